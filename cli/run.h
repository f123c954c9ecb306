#pragma once

#include "cli/command.h"

namespace strait {

/// `strait run`: the exit code is that of the guest's end (vmm/outcome.h).
int run_run(Words words);

/// `strait test`: the same, but 0 for verdict 0.
int run_test(Words words);

}  // namespace strait
