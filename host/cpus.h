#pragma once

#include <filesystem>
#include <map>

#include "base/cpu_set.h"

namespace strait::host {

/// The host's processors.
struct HostCpus {
  CpuSet present;
  CpuSet online;
  std::map<unsigned, CpuSet> nodes;  ///< by NUMA node
  CpuSet permitted;  ///< of those online, the ones that the process's cpuset (cgroup) lets it use, whatever its affinity is now
  CpuSet inherited;  ///< of these, the ones that it keeps to (taskset, CPUAffinity=, isolcpus=)

  /// This host's, for this process; `inherited` is as the calling thread's affinity is.
  static HostCpus real(const std::filesystem::path& sysfs = "/sys");
};

}  // namespace strait::host
