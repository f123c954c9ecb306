#include "vmm/pinning.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "base/error.h"

namespace strait {
namespace {

UsageError wrong(std::string_view text, std::string_view why) {
  return UsageError(fmt::format("--pin {}: {}", text, why), "give a CPU for each vCPU in order, such as 2,3, or VCPU:CPUS, such as 0:2,1:3-4");
}

std::optional<unsigned> parse_vcpu(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

Pinning in_order(std::string_view text, unsigned vcpus) {
  Pinning pinning;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const auto cpus = parse_cpu_list(text.substr(at, end - at));
    if (!cpus) throw wrong(text, "no list of CPUs");
    for (const unsigned cpu : *cpus) pinning.push_back({cpu});
    at = end + 1;
  }
  if (pinning.size() != vcpus) throw wrong(text, fmt::format("{} CPUs for {} vCPUs", pinning.size(), vcpus));
  return pinning;
}

}  // namespace

Pinning parse_pinning(std::string_view text, unsigned vcpus) {
  if (text.find(':') == std::string_view::npos) return in_order(text, vcpus);
  Pinning pinning(vcpus);
  CpuSet* current = nullptr;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    std::string_view part = text.substr(at, end - at);
    if (const auto colon = part.find(':'); colon != std::string_view::npos) {
      const auto vcpu = parse_vcpu(part.substr(0, colon));
      if (!vcpu || *vcpu >= vcpus) throw wrong(text, fmt::format("'{}' is no vCPU of the guest's, which are 0 to {}", part.substr(0, colon), vcpus - 1));
      current = &pinning[*vcpu];
      if (!current->empty()) throw wrong(text, fmt::format("vCPU {} is named twice", *vcpu));
      part.remove_prefix(colon + 1);
    }
    const auto cpus = parse_cpu_list(part);
    if (!cpus || current == nullptr) throw wrong(text, "no list of CPUs");
    current->insert(cpus->begin(), cpus->end());
    at = end + 1;
  }
  return pinning;
}

CpuSet all_of(const Pinning& pinning) {
  CpuSet all;
  for (const CpuSet& cpus : pinning) all.insert(cpus.begin(), cpus.end());
  return all;
}

CpuSet beside(const CpuSet& dedicated, const host::HostCpus& cpus) {
  CpuSet rest;
  std::ranges::set_difference(cpus.inherited, dedicated, std::inserter(rest, rest.end()));
  if (rest.empty()) std::ranges::set_difference(cpus.permitted, dedicated, std::inserter(rest, rest.end()));
  return rest;
}

void check_room_beside(const Pinning& pinning, const host::HostCpus& cpus, std::string_view option) {
  const auto unpinned = std::ranges::find_if(pinning, &CpuSet::empty);
  if (unpinned != pinning.end() || pinning.empty()) {
    throw Error(fmt::format("{}: vCPU {} is not pinned", option, unpinned - pinning.begin()), "name a CPU for each with --pin");
  }
  if (std::ranges::includes(all_of(pinning), cpus.permitted)) {
    throw Error(fmt::format("{}: --pin takes all CPUs that this process may use, {}", option, to_string(cpus.permitted)),
                "leave one to the host and to strait's other threads: a vCPU that is busy gives them none of its own");
  }
}

void check_not_shared(const Pinning& pinning) {
  CpuSet taken;
  for (std::size_t vcpu = 0; vcpu < pinning.size(); ++vcpu) {
    for (const unsigned cpu : pinning[vcpu]) {
      if (taken.insert(cpu).second) continue;
      throw Error(fmt::format("--dedicated: vCPU {} has to share CPU {} with another", vcpu, cpu), "pin each vCPU to CPUs of its own");
    }
  }
}

void check_pinning(const Pinning& pinning, const host::HostCpus& cpus) {
  for (const unsigned cpu : all_of(pinning)) {
    if (!cpus.present.contains(cpu)) {
      throw Error(fmt::format("--pin names CPU {}, but this host has {}", cpu, to_string(cpus.present)), "pin to CPUs that there are");
    }
    if (!cpus.online.contains(cpu)) {
      throw Error(fmt::format("--pin names CPU {}, which is offline", cpu), fmt::format("echo 1 >/sys/devices/system/cpu/cpu{}/online", cpu));
    }
    if (!cpus.permitted.contains(cpu)) {
      throw Error(fmt::format("--pin names CPU {}, but this process may use only {}", cpu, to_string(cpus.permitted)),
                  "pin to those, or give its cgroup more (cpuset.cpus, AllowedCPUs= in a systemd unit)");
    }
  }
}

}  // namespace strait
