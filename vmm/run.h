#pragma once

#include "host/cpus.h"
#include "vmm/options.h"
#include "vmm/outcome.h"

namespace strait {

/// Runs a guest from start to end, on `cpus` as they were before, with the process's standard input and output as its console, signals and
/// timeout in force. Throws Error when the guest could not be started.
Outcome run_guest(const RunOptions& options, const host::HostCpus& cpus);

}  // namespace strait
