#include "vfio/bus_reset.h"

#include <linux/pci.h>
#include <linux/vfio.h>

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "base/little_endian.h"
#include "base/log.h"
#include "host/bdf.h"
#include "vfio/container.h"
#include "vfio/kernel_device.h"

namespace strait::vfio {
namespace {

/// The kernel's own view: it wants all of them on vfio-pci, whoever has them.
std::string refusal(int result, std::span<const ReachedFunction> reached) {
  std::string names;
  for (const ReachedFunction& function : reached) names += (names.empty() ? "" : ", ") + function.name;
  return fmt::format("resetting its bus says {}; see that all functions there are bound to vfio-pci: {}", std::strerror(-result), names);
}

}  // namespace

std::vector<ReachedFunction> read_reached_functions(std::span<const std::uint8_t> info) {
  std::vector<ReachedFunction> reached;
  if (info.size() < sizeof(vfio_pci_hot_reset_info)) return reached;
  const std::uint32_t count = load<vfio_pci_hot_reset_info>(info).count;
  std::size_t at = sizeof(vfio_pci_hot_reset_info);
  for (std::uint32_t i = 0; i < count && at + sizeof(vfio_pci_dependent_device) <= info.size(); ++i, at += sizeof(vfio_pci_dependent_device)) {
    const auto function = load<vfio_pci_dependent_device>(info, at);
    const host::Bdf bdf{.domain = function.segment,
                        .bus = function.bus,
                        .device = static_cast<std::uint8_t>(PCI_SLOT(function.devfn)),
                        .function = static_cast<std::uint8_t>(PCI_FUNC(function.devfn))};
    reached.push_back({bdf.to_string(), function.group_id});
  }
  return reached;
}

std::string bus_reset_obstacle(std::span<const ReachedFunction> reached, const std::function<bool(unsigned group)>& ours,
                               const std::set<std::string>& in_use) {
  if (reached.empty()) return "neither it nor its bus can be";
  for (const ReachedFunction& function : reached) {
    if (!ours(function.group)) return fmt::format("its bus has {}, too, of IOMMU group {}, which is not this guest's", function.name, function.group);
    if (in_use.contains(function.name)) return fmt::format("its bus has {}, too, which the guest uses", function.name);
  }
  return {};
}

void reset_by_bus(std::span<KernelDevice> opened, const Container& container, const std::set<std::string>& in_use) {
  std::set<std::string> done;
  for (KernelDevice& device : opened) {
    if (device.resets_alone() || done.contains(device.name())) continue;
    const std::vector<ReachedFunction> reached = device.reached_by_bus_reset();
    const auto ours = [&](unsigned group) { return container.group_fd(group).has_value(); };
    std::string obstacle = bus_reset_obstacle(reached, ours, in_use);
    if (obstacle.empty()) {
      std::set<int> groups;
      for (const ReachedFunction& function : reached) groups.insert(*container.group_fd(function.group));
      const int result = device.reset_bus(std::vector<int>(groups.begin(), groups.end()));
      if (result < 0) obstacle = refusal(result, reached);
    }
    if (!obstacle.empty()) {
      log::warning("{} is not reset: {}", device.name(), obstacle);
      continue;
    }
    log::info("{}: its bus was reset", device.name());
    for (const ReachedFunction& function : reached) done.insert(function.name);
  }
}

}  // namespace strait::vfio
