#include "host/cpus.h"

#include <thread>

#include <fmt/format.h>

#include "base/error.h"
#include "base/syscall.h"

namespace strait::host {
namespace {

CpuSet list_in(const std::filesystem::path& file) {
  try {
    return parse_cpu_list(read_text_file(file)).value_or(CpuSet{});
  } catch (const Error&) {
    return {};
  }
}

/// The kernel takes away what the cpuset does not allow: a thread that asks for everything has what there is.
CpuSet allowed_of(const CpuSet& online) {
  CpuSet allowed;
  std::jthread([&] {
    set_thread_affinity(online);
    allowed = thread_affinity();
  }).join();
  return allowed;
}

}  // namespace

HostCpus HostCpus::real(const std::filesystem::path& sysfs) {
  HostCpus cpus;
  cpus.present = list_in(sysfs / "devices/system/cpu/present");
  cpus.online = list_in(sysfs / "devices/system/cpu/online");
  cpus.permitted = allowed_of(cpus.online);
  cpus.inherited = thread_affinity();
  const std::filesystem::path nodes = sysfs / "devices/system/node";
  for (const unsigned node : list_in(nodes / "online")) cpus.nodes[node] = list_in(nodes / fmt::format("node{}", node) / "cpulist");
  return cpus;
}

}  // namespace strait::host
