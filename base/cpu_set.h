#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace strait {

/// Processors of the host, by the kernel's numbers.
using CpuSet = std::set<unsigned>;

/// "0-3,8", as the kernel and taskset write it, not empty; nothing where it is no such list, or names a number above 8191. Pure.
std::optional<CpuSet> parse_cpu_list(std::string_view text);
/// The same the other way round. Pure.
std::string to_string(const CpuSet& cpus);

/// Where the calling thread may run.
CpuSet thread_affinity();
/// Has the calling thread run on `cpus` alone, and the threads that it starts from now on. 0 or a negative errno.
int set_thread_affinity(const CpuSet& cpus);

/// Gives the calling thread real-time priority, 1 to 99 (SCHED_FIFO), which threads that it starts do not have. 0 or a negative errno.
int set_thread_priority(int priority);

}  // namespace strait
