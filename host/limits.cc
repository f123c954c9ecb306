#include "host/limits.h"

#include <linux/capability.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <sstream>
#include <string>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include "base/cpu_set.h"
#include "base/error.h"
#include "base/log.h"
#include "base/syscall.h"
#include "base/units.h"

namespace strait::host {
namespace {

/// What stands behind "KEY:" in a file of such lines (/proc/meminfo, /proc/self/status), nothing where it is missing.
std::string proc_text(const std::filesystem::path& file, std::string_view key) {
  const std::string text = fmt::format("\n{}", read_text_file(file));
  auto at = text.find(fmt::format("\n{}:", key));
  if (at == std::string::npos) return {};
  at = std::min(text.find_first_not_of(" \t", at + key.size() + 2), text.size());
  return text.substr(at, text.find('\n', at) - at);
}

/// The number there, 0 for none.
std::uint64_t proc_number(const std::filesystem::path& file, std::string_view key, int base) {
  const std::string text = proc_text(file, key);
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

/// In the initial user namespace every number stands for itself. A kernel without user namespaces has no such file.
bool in_initial_user_namespace(const std::filesystem::path& procfs) {
  std::error_code error;
  if (!std::filesystem::exists(procfs / "self/uid_map", error)) return true;
  std::istringstream map(read_text_file(procfs / "self/uid_map"));
  std::uint64_t inside = 1, outside = 1, count = 0;
  map >> inside >> outside >> count;
  return inside == 0 && outside == 0 && count == 0xffffffff;
}

std::uint64_t mib(std::uint64_t bytes) { return align_up(bytes, kMiB) / kMiB; }

}  // namespace

std::string memlock_remedy(std::uint64_t bytes, std::string_view user) {
  return fmt::format("raise it with 'ulimit -l {0}', LimitMEMLOCK={1} in a systemd unit, or '{2} - memlock {0}' in /etc/security/limits.conf",
                     align_up(bytes, kKiB) / kKiB, bytes, user);
}

LockedMemory locked_memory(const std::filesystem::path& procfs) {
  LockedMemory memory;
  rlimit limit = {};
  ::getrlimit(RLIMIT_MEMLOCK, &limit);
  const bool capable = ((proc_number(procfs / "self/status", "CapEff", 16) >> CAP_IPC_LOCK) & 1) != 0;
  memory.capable = capable && in_initial_user_namespace(procfs);
  memory.unlimited = memory.capable || limit.rlim_cur == RLIM_INFINITY;
  memory.limit = limit.rlim_cur;
  memory.locked = proc_number(procfs / "self/status", "VmLck", 10) * kKiB;
  return memory;
}

void check_memlock(std::uint64_t bytes) {
  const LockedMemory memory = locked_memory();
  if (memory.allows(bytes)) return;
  throw Error(fmt::format("the guest's memory is pinned for DMA, {} bytes, but this process may lock only {} bytes (RLIMIT_MEMLOCK)", bytes,
                          memory.limit),
              memlock_remedy(bytes + memory.locked));
}

void check_available_memory(std::uint64_t bytes) {
  const std::uint64_t available = proc_number("/proc/meminfo", "MemAvailable", 10) * kKiB;
  if (available == 0 || bytes <= available) return;
  throw Error(fmt::format("the guest is to have {} MiB of memory, but this host has only {} MiB available", mib(bytes), available / kMiB),
              "give a smaller --memory");
}

void check_memory_node(unsigned node, const std::filesystem::path& sysfs, const std::filesystem::path& procfs) {
  const auto nodes_in = [](const std::string& list) { return parse_cpu_list(list).value_or(CpuSet{}); };
  const CpuSet with_memory = nodes_in(read_text_file(sysfs / "devices/system/node/has_memory"));
  if (!with_memory.contains(node)) {
    throw Error(fmt::format("--numa {}: that NUMA node has no memory", node), fmt::format("give one of {}", to_string(with_memory)));
  }
  const CpuSet allowed = nodes_in(proc_text(procfs / "self/status", "Mems_allowed_list"));
  if (!allowed.empty() && !allowed.contains(node)) {
    throw Error(fmt::format("--numa {}: this process may have memory only from NUMA node {}", node, to_string(allowed)),
                "name one of those, or give its cgroup more (cpuset.mems, AllowedMemoryNodes= in a systemd unit)");
  }
}

void check_node_memory(std::uint64_t bytes, unsigned node, const std::filesystem::path& sysfs) {
  const std::filesystem::path file = sysfs / fmt::format("devices/system/node/node{}/meminfo", node);
  const auto size_of = [&](std::string_view key) { return proc_number(file, fmt::format("Node {} {}", node, key), 10) * kKiB; };
  // What the kernel gives up for a program that asks; it counts MemAvailable in the same way, but has none for a node.
  const std::uint64_t available = size_of("MemFree") + size_of("Active(file)") + size_of("Inactive(file)") + size_of("SReclaimable");
  if (bytes <= available) return;
  throw Error(fmt::format("the guest is to have {} MiB of memory, but NUMA node {} has only {} MiB available, of {} MiB", mib(bytes), node,
                          available / kMiB, size_of("MemTotal") / kMiB),
              "give a smaller --memory, another --numa, or leave that out: what the devices' node does not have comes from others then");
}

void check_real_time(int priority) {
  int result = 0;
  std::jthread([&] { result = set_thread_priority(priority); }).join();
  if (result == 0) return;
  throw Error::from_errno(-result, fmt::format("having real-time priority {}", priority),
                          fmt::format("run as root, or allow it with 'ulimit -r {0}', LimitRTPRIO={0} in a systemd unit, or 'USER - rtprio {0}' in "
                                      "/etc/security/limits.conf",
                                      priority));
}

void warn_of_throttling(const std::filesystem::path& procfs) {
  const auto value = [&](const char* name, long otherwise) {
    try {
      return std::stol(read_text_file(procfs / "sys/kernel" / name));
    } catch (const std::exception&) {
      return otherwise;
    }
  };
  const long runtime = value("sched_rt_runtime_us", -1), period = value("sched_rt_period_us", 1'000'000);
  if (runtime < 0 || runtime >= period) return;
  log::warning(
      "--rt: a dedicated vCPU never sleeps, and this host takes up to {} ms in {} ms from such a real-time thread (kernel.sched_rt_runtime_us={}); "
      "'sysctl kernel.sched_rt_runtime_us=-1' ends that before Linux 6.12, but then whatever else is to run on its CPU, the kernel's own threads "
      "included, waits for ever",
      (period - runtime) / 1000, period / 1000, runtime);
}

unsigned usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? static_cast<unsigned>(std::max(1, CPU_COUNT(&set))) : 1;
}

}  // namespace strait::host
