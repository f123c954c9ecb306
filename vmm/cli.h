#pragma once

#include <span>
#include <string>

#include "vmm/ctl.h"
#include "vmm/options.h"

namespace strait {

/// What the command line asks for.
struct Invocation {
  enum class Command { kRun, kTest, kCtl, kPrint };
  Command command = Command::kPrint;
  RunOptions options;  ///< kRun and kTest
  std::string text;    ///< kPrint: help or version, for standard output
  CtlRequest ctl;      ///< kCtl
};

/// Reads the command line without the program's name. Throws UsageError, one line that names the option, what is wrong and what is right.
Invocation parse_command_line(std::span<const char* const> arguments);

/// "512M", "3G", "1048576K"; a bare number is MiB. A multiple of the page size, at least 16 MiB. Throws UsageError.
std::uint64_t parse_memory_size(const std::string& text);

}  // namespace strait
