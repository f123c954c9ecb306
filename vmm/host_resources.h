#pragma once

#include "host/cpus.h"
#include "vmm/options.h"

namespace strait {

/// Throws Error, with the remedy, where this host does not have now what a guest with these options takes: memory, processors to pin to,
/// real-time priority. Changes nothing: it is asked before a device is taken from the host.
void check_host_resources(const RunOptions& options, const host::HostCpus& cpus);

/// The part of it that may have changed when a guest boots again: whether there are the processors that its vCPUs are pinned to.
void check_processors(const RunOptions& options, const host::HostCpus& cpus);

}  // namespace strait
