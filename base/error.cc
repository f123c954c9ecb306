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

}  // namespace strait
