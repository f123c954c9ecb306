#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace strait {

/// How wide text for people is at most: the terminal that everybody has, and what fits into a bug report.
inline constexpr std::size_t kScreenColumns = 80;

/// What standard output can show.
struct Screen {
  bool colour = false;   ///< a terminal, unless NO_COLOR is set to something
  bool unicode = false;  ///< the locale's characters are UTF-8

  static Screen of_standard_output();
};

/// The columns that `text` takes: a character of UTF-8 is one.
std::size_t columns_of(std::string_view text);

/// `text`, or its beginning and "..." where it takes more than `columns`.
std::string cut(std::string_view text, std::size_t columns);

/// `text` in lines of at most `columns`, broken at spaces; a word that is longer by itself is cut.
std::vector<std::string> wrap(std::string_view text, std::size_t columns);

/// `text` for where `column` columns of a line are written already, broken at spaces where the screen ends; further lines begin behind
/// `indent` blanks. A longer word stands out: it may be a command that somebody copies. No line's end behind the last.
std::string hang(std::string_view text, std::size_t column, std::size_t indent);

}  // namespace strait
