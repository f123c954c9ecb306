#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace strait::host {

/// What a process may lock into memory, and so have pinned for DMA.
struct LockedMemory {
  bool unlimited = false;    ///< `capable`, or no RLIMIT_MEMLOCK
  std::uint64_t limit = 0;   ///< RLIMIT_MEMLOCK in bytes
  std::uint64_t locked = 0;  ///< bytes locked already
  bool capable = false;      ///< CAP_IPC_LOCK, which makes the limit void; for VFIO not that of a user namespace, as of a container

  bool allows(std::uint64_t bytes) const { return unlimited || bytes + locked <= limit; }
};

/// That of this process.
LockedMemory locked_memory(const std::filesystem::path& procfs = "/proc");

/// Throws Error unless this process may pin `bytes` for DMA: RLIMIT_MEMLOCK allows it, or the process has CAP_IPC_LOCK. The message
/// gives the bytes needed, the limit, and the line that raises it.
void check_memlock(std::uint64_t bytes);

/// The remedy for a kernel that would not let this process pin `bytes`: the lines that raise RLIMIT_MEMLOCK far enough.
std::string memlock_remedy(std::uint64_t bytes, std::string_view user = "USER");

/// Throws Error when the host cannot hold a guest of `bytes` now. Without an assigned device they are not pinned; but a guest that drives its
/// host out of memory helps nobody.
void check_available_memory(std::uint64_t bytes);

/// Throws Error where guest memory cannot come from NUMA node `node` at all: it has none, or the process's cpuset (cgroup) does not allow it.
void check_memory_node(unsigned node, const std::filesystem::path& sysfs = "/sys", const std::filesystem::path& procfs = "/proc");

/// Throws Error when NUMA node `node` cannot hold a guest of `bytes` now. One that is bound to it and does not fit is killed, whatever other
/// nodes have free.
void check_node_memory(std::uint64_t bytes, unsigned node, const std::filesystem::path& sysfs = "/sys");

/// Throws Error unless this process may give its threads real-time priority `priority`, 1 to 99.
void check_real_time(int priority);

/// Warns where the kernel stops a real-time thread that never sleeps for a part of each second (sysctl kernel.sched_rt_runtime_us).
void warn_of_throttling(const std::filesystem::path& procfs = "/proc");

/// CPUs this process may run on, at least 1.
unsigned usable_cpus();

}  // namespace strait::host
