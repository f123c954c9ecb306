#pragma once

#include <span>
#include <string>
#include <string_view>

namespace strait {

/// Words of a command line.
using Words = std::span<const char* const>;

/// One of strait's commands: `strait NAME WORD...`.
struct Command {
  std::string_view name;
  std::string_view summary;     ///< a line of `strait --help`, as it stands
  std::string (*help)();        ///< what `strait NAME --help` prints; fits a screen of 24 lines by 80 columns, but for run and test
  int (*run)(Words arguments);  ///< the words behind the name; returns the exit code. Throws UsageError and Error.
};

/// All of them, in the order of `strait --help`.
std::span<const Command> commands();

/// What `strait --help` prints.
std::string overview();

/// Runs what the words behind the program's name ask for, and returns the exit code. Throws UsageError and Error.
int run_command_line(Words words);

}  // namespace strait
