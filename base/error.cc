#include "base/error.h"

#include <system_error>

namespace strait {

Error::Error(std::string message, std::string remedy)
    : std::runtime_error(remedy.empty() ? std::move(message) : message + "; " + remedy) {}

Error Error::from_errno(int code, const std::string& attempt, std::string remedy) {
  Error error(attempt + ": " + std::generic_category().message(code), std::move(remedy));
  error.code_ = code;
  return error;
}

std::string shown(std::string_view text, std::size_t longest) {
  const bool whole = text.size() <= longest;
  // Not within a character of UTF-8.
  while (!whole && longest > 0 && (static_cast<unsigned char>(text[longest]) & 0xc0) == 0x80) --longest;
  std::string line(text.substr(0, longest));
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto c = static_cast<unsigned char>(line[i]), before = static_cast<unsigned char>(i == 0 ? 0 : line[i - 1]);
    // The second half of the control characters is two bytes each in UTF-8.
    if (c < 0x20 || c == 0x7f || (before == 0xc2 && c < 0xa0)) line[i] = '?';
  }
  return whole ? line : line + "...";
}

}  // namespace strait
