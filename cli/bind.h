#pragma once

#include <string>

#include "cli/command.h"

namespace strait {

/// `strait bind`: gives functions to vfio-pci. Returns the exit code. Throws UsageError and Error.
int run_bind(Words words);
std::string bind_help();

/// `strait release`: gives them back to their host drivers. Returns the exit code. Throws UsageError and Error.
int run_release(Words words);
std::string release_help();

}  // namespace strait
