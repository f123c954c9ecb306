#pragma once

#include <cstdint>
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

/// "512M", "3G", "1048576K"; a bare number is MiB. A multiple of the page size, at least 16 MiB. Throws UsageError.
std::uint64_t parse_memory_size(const std::string& text);

}  // namespace strait
