#pragma once

#include <optional>
#include <span>

#include "host/cpus.h"
#include "vmm/options.h"

namespace strait {

/// Where on the host a guest lives.
struct Placement {
  std::optional<unsigned> node;  ///< the NUMA node that its memory comes from; none for any
  bool strict = false;           ///< from nowhere else, even if the node has none left
  Pinning vcpus;                 ///< where each vCPU's thread may run; an empty set for anywhere
};

/// By --pin and --numa: by default memory comes from the node that all devices are on, as long as it has some, and vCPUs that are not pinned run
/// there. `device_nodes` has each device's, nothing where that is unknown. Throws Error where --numa names a node that this host does not have.
/// Pure.
Placement place_guest(const RunOptions& options, std::span<const std::optional<unsigned>> device_nodes, const host::HostCpus& cpus);

/// The same on this host, as it is now.
Placement place_guest(const RunOptions& options);

}  // namespace strait
