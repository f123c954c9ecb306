#pragma once

#include <optional>
#include <span>

#include "base/guest_memory.h"
#include "host/cpus.h"
#include "vmm/options.h"

namespace strait {

/// Where on the host a guest lives.
struct Placement {
  std::optional<unsigned> node;  ///< the NUMA node that its memory comes from; none for any
  bool strict = false;           ///< from nowhere else, even if the node has none left
  Pinning vcpus;                 ///< where each vCPU's thread may run; an empty set for where strait does
};

/// By --pin and --numa: by default memory comes from the node that all devices are on, as long as it has some, and vCPUs that are not
/// pinned run there, as far as strait may. `device_nodes` has each device's, nothing where that is unknown. Throws Error where --numa names
/// a node that this host does not have. Pure.
Placement place_guest(const RunOptions& options, std::span<const std::optional<unsigned>> device_nodes, const host::HostCpus& cpus);

/// The same with the devices of `options`, as sysfs has them now.
Placement place_guest(const RunOptions& options, const host::HostCpus& cpus);

/// Has memory that is not there yet come from where `placement` says. Where that is a wish, and the host does not let us (a node without
/// memory, a container's cpuset or seccomp filter), a warning says so, and `placement` has no node any more; otherwise throws Error.
void bind(const GuestMemory& memory, Placement& placement);

}  // namespace strait
