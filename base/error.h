#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace strait {

/// The one exception of set-up code: what was attempted, why it failed, and what the user can do about it.
/// `what()` is the whole line; main prints it once. Guest-triggered paths never throw.
class Error : public std::runtime_error {
 public:
  /// `message` says what failed and why; `remedy`, where there is one, says what to do.
  explicit Error(std::string message, std::string remedy = {});

  /// The errno behind the failure, 0 where no system call failed.
  int code() const { return code_; }

  /// "ATTEMPT: strerror(code)", then the remedy.
  static Error from_errno(int code, const std::string& attempt, std::string remedy = {});

 private:
  int code_ = 0;
};

/// The command line or a file of options is wrong: exit code 2 instead of 1.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// Text that somebody else wrote, for a message: one line, which a terminal has nothing to obey in, cut behind `longest` bytes.
std::string shown(std::string_view text, std::size_t longest = 60);

}  // namespace strait
