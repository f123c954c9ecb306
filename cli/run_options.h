#pragma once

#include <string>

#include "cli/command.h"
#include "vmm/options.h"

namespace strait {

/// The words behind `strait run` and `strait test`. Throw UsageError, one line that names the option, what is wrong and what is right; parse_test()
/// also Error, where there is no test guest.
RunOptions parse_run(Words words);
RunOptions parse_test(Words words);

std::string run_help();
std::string test_help();

}  // namespace strait
