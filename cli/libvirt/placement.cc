#include "cli/libvirt/placement.h"

#include <algorithm>
#include <bitset>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/units.h"
#include "cli/libvirt/values.h"

namespace strait::libvirt {
namespace {

// ---- Sets of the host's processors

constexpr std::size_t kHostCpusMax = 16384;  // as in libvirt
using CpuSet = std::bitset<kHostCpusMax>;

CpuSet range(std::size_t first, std::size_t last) { return (~CpuSet() >> (kHostCpusMax - 1 - (last - first))) << first; }

/// Sets or, behind a ^, clears what a part of the list names. False where it is none.
bool apply(CpuSet& set, std::string_view part) {
  const bool excludes = part.starts_with('^');
  if (excludes) part.remove_prefix(1);
  const auto dash = std::min(part.find('-'), part.size());
  const auto first = parse_decimal(part.substr(0, dash));
  const auto last = dash == part.size() || excludes ? first : parse_decimal(part.substr(dash + 1));
  if (!first || !last || *first > *last || *last >= kHostCpusMax || (excludes && dash != part.size())) return false;
  set = excludes ? set & ~range(*first, *last) : set | range(*first, *last);
  return true;
}

/// cpuset= as libvirt has it: 1-4,^3,6.
std::optional<CpuSet> cpuset_of(const Element& element) {
  const auto text = element.attribute("cpuset");
  if (!text) return std::nullopt;
  std::string list = *text;
  std::erase(list, ' ');
  CpuSet set;
  bool good = true;
  for (std::size_t at = 0; at <= list.size() && good;) {
    const auto comma = std::min(list.find(',', at), list.size());
    good = apply(set, std::string_view(list).substr(at, comma - at));
    at = comma + 1;
  }
  if (!good || set.none()) {
    throw element.error(fmt::format("cpuset='{}' is no set of processors", shown(*text)), "give one such as 0-3,8, or 0-3,^2");
  }
  return set;
}

/// As taskset reads it: 1-2,4,6.
std::string to_string(const CpuSet& set) {
  std::string list;
  for (std::size_t first = 0; first < set.size(); ++first) {
    if (!set[first]) continue;
    std::size_t last = first;
    while (last + 1 < set.size() && set[last + 1]) ++last;
    list += list.empty() ? "" : ",";
    list += first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last);
    first = last;
  }
  return list;
}

// ---- What the domain asks for

/// Which of the host's processors a guest's threads keep to.
struct Pinning {
  std::optional<CpuSet> process;          ///< all threads that have no set of their own
  std::map<std::uint64_t, CpuSet> vcpus;  ///< by the processor's number
};

Pinning read_pinning(const Element& domain, std::uint64_t cpus) {
  constexpr const char* kReason = "strait pins nothing itself; the file says what to run";
  Pinning pinning;
  std::optional<CpuSet> others;
  if (const auto vcpu = domain.child("vcpu")) {
    pinning.process = others = cpuset_of(*vcpu);
    vcpu->leave_out_attribute("cpuset", kReason);
    if (vcpu->attribute("placement") == "auto") vcpu->leave_out_attribute("placement", "strait asks no numad where its threads are best");
  }
  const auto tune = domain.child("cputune");
  if (!tune) return pinning;
  for (const Element& pin : tune->children("vcpupin")) {
    const std::string text = pin.attribute_or("vcpu", "");
    const auto number = parse_decimal(text);
    if (!number) throw pin.error(fmt::format("vcpu='{}' is no number of a processor", shown(text)), "give 0 for the first");
    const auto set = cpuset_of(pin);
    if (!set) throw pin.error("no cpuset=", "say which processors of the host it is pinned to");
    if (*number < cpus) pinning.vcpus[*number] = *set;
    pin.leave_out(*number < cpus ? kReason : "the guest has no such processor", *number < cpus ? Loss::kLost : Loss::kNone);
  }
  if (const auto emulator = tune->child("emulatorpin")) {
    pinning.process = cpuset_of(*emulator);
    emulator->leave_out(kReason);
    // What is not pinned one by one keeps to what is said of all.
    for (std::uint64_t cpu = 0; others && cpu < cpus; ++cpu) pinning.vcpus.try_emplace(cpu, *others);
  }
  return pinning;
}

/// The sizes of the huge pages that the memory is to be of: none for the host's default size; nothing where it need not be of any.
std::optional<std::vector<std::string>> read_hugepages(const Element& domain) {
  const auto hugepages = domain.descend({"memoryBacking", "hugepages"});
  if (!hugepages) return std::nullopt;
  std::vector<std::string> sizes;
  for (const Element& page : hugepages->children("page")) {
    const std::uint64_t size = memory_of(page, "size");
    if (size == 0 || size % kKiB != 0) throw page.error(fmt::format("{} bytes are no page", size), "give a size such as 2 MiB or 1 GiB");
    sizes.push_back(in_units(size));
  }
  hugepages->leave_out_as_known();
  return sizes;
}

}  // namespace

void convert_hugepages(const Element& domain, ConfigText& config) {
  const auto sizes = read_hugepages(domain);
  if (!sizes) return;
  config.blank();
  config.comment(
      fmt::format("The domain's memory is of huge pages{}{}. strait has transparent ones,\n"
                  "where /sys/kernel/mm/transparent_hugepage/enabled says always or madvise.",
                  sizes->empty() ? "" : " of ", fmt::join(*sizes, " and ")));
}

void convert_pinning(const Element& domain, std::uint64_t cpus, ConfigText& config) {
  const Pinning pinning = read_pinning(domain, cpus);
  if (pinning.process) {
    config.blank();
    config.comment("The domain keeps to some of the host's processors, which strait leaves to you.\nStart it with");
    config.comment(fmt::format("  taskset -c {} strait run --config FILE", to_string(*pinning.process)));
  }
  if (pinning.vcpus.empty()) return;
  config.blank();
  config.comment("The domain pins the guest's processors, which strait leaves to you. When it\nruns, and no other guest of strait's:");
  for (const auto& [cpu, set] : pinning.vcpus) config.comment(fmt::format("  taskset -pc {} $(pgrep -wx vcpu{})", to_string(set), cpu));
}

}  // namespace strait::libvirt
