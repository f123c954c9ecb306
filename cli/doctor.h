#pragma once

#include <string>

#include "cli/command.h"

namespace strait {

/// `strait doctor`: looks at the host, prints what it found, and returns 0 or the exit code of the first kind of check that failed. Throws
/// UsageError, and Error where there is no such device.
int run_doctor(Words words);

std::string doctor_help();

}  // namespace strait
