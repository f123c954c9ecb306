#include "cli/screen.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace strait {
namespace {

constexpr std::string_view kEllipsis = "...";

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

/// The name of the locale for characters: the first of these variables that says something (POSIX, "Environment Variables").
std::string_view character_locale() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    if (const auto value = variable(name); !value.empty()) return value;
  }
  return {};
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    if (end > 0) words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

/// Lines of as many words as there is room for, which the first may have less of.
std::vector<std::string> fill(const std::vector<std::string>& words, std::size_t first, std::size_t room) {
  std::vector<std::string> lines;
  for (const std::string& word : words) {
    if (lines.empty() || columns_of(lines.back()) + 1 + columns_of(word) > (lines.size() == 1 ? first : room)) {
      lines.push_back(word);
    } else {
      lines.back() += " " + word;
    }
  }
  return lines;
}

bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

}  // namespace

Screen Screen::of_standard_output() {
  std::string locale(character_locale());
  std::ranges::transform(locale, locale.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return {.colour = ::isatty(STDOUT_FILENO) == 1 && variable("NO_COLOR").empty(),
          .unicode = locale.find("utf-8") != std::string::npos || locale.find("utf8") != std::string::npos};
}

std::size_t columns_of(std::string_view text) { return static_cast<std::size_t>(std::ranges::count_if(text, starts_character)); }

std::string cut(std::string_view text, std::size_t columns) {
  if (columns_of(text) <= columns) return std::string(text);
  const std::size_t keep = columns - std::min(columns, kEllipsis.size());
  std::size_t end = 0;
  for (std::size_t seen = 0; end < text.size(); ++end) {
    if (starts_character(text[end]) && seen++ == keep) break;
  }
  while (end > 0 && text[end - 1] == ' ') --end;
  return std::string(text.substr(0, end)) + std::string(kEllipsis.substr(0, columns));
}

std::vector<std::string> wrap(std::string_view text, std::size_t columns) {
  std::vector<std::string> words = words_of(text);
  for (std::string& word : words) word = cut(word, columns);
  return fill(words, columns, columns);
}

std::string hang(std::string_view text, std::size_t column, std::size_t indent) {
  const auto room = [](std::size_t used) { return kScreenColumns - std::min(kScreenColumns, used); };
  return fmt::format("{}", fmt::join(fill(words_of(text), room(column), room(indent)), "\n" + std::string(indent, ' ')));
}

}  // namespace strait
