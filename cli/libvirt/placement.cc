#include "cli/libvirt/placement.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/cpu_set.h"
#include "base/units.h"
#include "cli/libvirt/values.h"

namespace strait::libvirt {
namespace {

// ---- Sets of the host's processors and nodes

/// Adds or, behind a ^, takes away what a part of the list names. False where it is none.
bool apply(CpuSet& set, std::string_view part) {
  const bool excludes = part.starts_with('^');
  if (excludes) part.remove_prefix(1);
  const auto named = parse_cpu_list(part);
  if (!named || (excludes && named->size() != 1)) return false;
  for (const unsigned cpu : *named) {
    if (excludes) {
      set.erase(cpu);
    } else {
      set.insert(cpu);
    }
  }
  return true;
}

/// A set as libvirt has it, 1-4,^3,6. Nothing where it is none, or empty.
std::optional<CpuSet> parse_set(std::string list) {
  std::erase(list, ' ');
  CpuSet set;
  for (std::size_t at = 0; at <= list.size();) {
    const auto comma = std::min(list.find(',', at), list.size());
    if (!apply(set, std::string_view(list).substr(at, comma - at))) return std::nullopt;
    at = comma + 1;
  }
  return set.empty() ? std::nullopt : std::optional(std::move(set));
}

/// What an attribute has; nothing where it is missing.
std::optional<CpuSet> set_of(const Element& element, const char* attribute, std::string_view members) {
  const auto text = element.attribute(attribute);
  if (!text) return std::nullopt;
  auto set = parse_set(*text);
  if (!set) {
    throw element.error(fmt::format("{}='{}' is no set of {}", attribute, shown(*text), members), "give one such as 0-3,8, or 0-3,^2");
  }
  return set;
}

std::optional<CpuSet> cpuset_of(const Element& element) { return set_of(element, "cpuset", "processors"); }

// ---- What the domain asks for

/// Which of the host's processors a guest's threads keep to.
struct Pinning {
  std::optional<CpuSet> process;          ///< all threads that have no set of their own
  std::map<std::uint64_t, CpuSet> vcpus;  ///< by the processor's number
};

Pinning read_pinning(const Element& domain, std::uint64_t cpus) {
  constexpr const char* kReason = "for strait's other threads; the file says how to start them there";
  Pinning pinning;
  std::optional<CpuSet> all;
  if (const auto vcpu = domain.child("vcpu")) {
    pinning.process = all = cpuset_of(*vcpu);
    vcpu->leave_out_attribute("cpuset", kReason);
    if (vcpu->attribute("placement") == "auto") vcpu->leave_out_attribute("placement", "strait asks no numad where its threads are best");
  }
  if (const auto tune = domain.child("cputune")) {
    for (const Element& pin : tune->children("vcpupin")) {
      const std::string text = pin.attribute_or("vcpu", "");
      const auto number = parse_decimal(text);
      if (!number) throw pin.error(fmt::format("vcpu='{}' is no number of a processor", shown(text)), "give 0 for the first");
      const auto set = cpuset_of(pin);
      if (!set) throw pin.error("no cpuset=", "say which processors of the host it is pinned to");
      if (*number < cpus) {
        pinning.vcpus[*number] = *set;
      } else {
        pin.leave_out("the guest has no such processor", Loss::kNone);
      }
    }
    if (const auto emulator = tune->child("emulatorpin")) {
      pinning.process = cpuset_of(*emulator);
      emulator->leave_out(kReason);
    }
  }
  // What is not pinned one by one keeps to what is said of all.
  for (std::uint64_t cpu = 0; all && cpu < cpus; ++cpu) pinning.vcpus.try_emplace(cpu, *all);
  return pinning;
}

/// The sizes of the huge pages that the memory is to be of: none for the host's default size.
std::vector<std::uint64_t> read_hugepages(const Element& hugepages) {
  std::vector<std::uint64_t> sizes;
  for (const Element& page : hugepages.children("page")) {
    const std::uint64_t size = memory_of(page, "size");
    if (size == 0 || size % kKiB != 0) throw page.error(fmt::format("{} bytes are no page", size), "give a size such as 2 MiB or 1 GiB");
    page.leave_out_attribute("nodeset", "the guest has one NUMA node, with memory of one kind");
    sizes.push_back(size);
  }
  return sizes;
}

}  // namespace

void convert_hugepages(const Element& domain, std::uint64_t memory, ConfigText& config) {
  const auto hugepages = domain.descend({"memoryBacking", "hugepages"});
  if (!hugepages) return;
  const auto sizes = read_hugepages(*hugepages);
  const std::uint64_t size = sizes.empty() ? 2 * kMiB : *std::ranges::min_element(sizes);
  if (size != kPageSize && size != 2 * kMiB && size != kGiB) {
    hugepages->leave_out("strait has huge pages of 2M and 1G, as x86 has");
    return;
  }
  if (memory % size != 0) {
    hugepages->leave_out(fmt::format("the memory is no multiple of {}; with another memory =, write hugepages = {}", in_units(size), in_units(size)));
    return;
  }
  config.blank();
  if (sizes.empty()) config.comment("Of the host's default size, which is taken to be 2M.");
  if (sizes.size() > 1) config.comment("The smallest of the domain's.");
  config.set("hugepages", size == kPageSize ? "off" : in_units(size));
}

void convert_numatune(const Element& domain, ConfigText& config) {
  const auto tune = domain.child("numatune");
  const auto memory = tune ? tune->child("memory") : std::nullopt;
  if (!memory) return;
  const auto nodes = set_of(*memory, "nodeset", "nodes");
  if (!nodes || nodes->size() != 1 || memory->attribute_or("mode", "strict") != "strict") {
    memory->leave_out("strait takes memory from one node of the host, numa =, or from any");
    return;
  }
  config.blank();
  config.set("numa", fmt::format("{}", *nodes->begin()));
}

bool convert_pinning(const Element& domain, std::uint64_t cpus, ConfigText& config) {
  const Pinning pinning = read_pinning(domain, cpus);
  if (pinning.process) {
    config.blank();
    config.comment("The domain's other threads keep to some of the host's processors. For that,\nstart strait there:");
    config.comment(fmt::format("  taskset -c {} strait run --config FILE", to_string(*pinning.process)));
  }
  if (pinning.vcpus.empty()) return false;
  std::string pin;
  for (const auto& [cpu, set] : pinning.vcpus) pin += fmt::format("{}{}:{}", pin.empty() ? "" : ",", cpu, to_string(set));
  config.blank();
  config.set("pin", pin);
  return pinning.vcpus.size() == cpus;
}

void convert_scheduler(const Element& domain, std::uint64_t cpus, bool pinned, ConfigText& config) {
  const auto tune = domain.child("cputune");
  if (!tune) return;
  const auto schedulers = tune->children("vcpusched");
  for (const Element& scheduler : schedulers) {
    const auto vcpus = set_of(scheduler, "vcpus", "processors");
    const auto priority = parse_decimal(scheduler.attribute_or("priority", ""));
    const bool all = vcpus && vcpus->size() >= cpus && *std::next(vcpus->begin(), static_cast<std::ptrdiff_t>(cpus) - 1) == cpus - 1;
    if (schedulers.size() > 1 || !all || scheduler.attribute("scheduler") != "fifo" || !priority || *priority < 1 || *priority > 99) {
      scheduler.leave_out("strait has one priority for all processors, rt =, of SCHED_FIFO; chrt sets the scheduler of a thread");
      continue;
    }
    if (!pinned) {
      scheduler.leave_out("strait has real-time priority for processors that are pinned: pin = and rt =");
      continue;
    }
    config.blank();
    config.set("rt", fmt::format("{}", *priority));
  }
}

}  // namespace strait::libvirt
