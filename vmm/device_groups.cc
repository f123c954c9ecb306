#include "vmm/device_groups.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "host/pci_function.h"

namespace strait {
namespace {

bool same_slot(const host::Bdf& a, const host::Bdf& b) { return a.domain == b.domain && a.bus == b.bus && a.device == b.device; }

/// What goes to the guest with the function that was named, ascending.
std::vector<host::Bdf> assigned_members(const host::PciFunction& named, bool managed) {
  std::vector<host::Bdf> members = named.group_members();
  std::erase_if(members, [&](const host::Bdf& bdf) {
    const host::PciFunction member = named.sibling(bdf);
    return bdf != named.bdf() && (member.is_bridge() || (!managed && !member.on_vfio()));
  });
  if (members.empty()) members.push_back(named.bdf());  // no IOMMU: host::check_assignable() will say so
  return members;
}

std::vector<DeviceSpec> expand(const DeviceSpec& named, const std::filesystem::path& sysfs) {
  std::vector<DeviceSpec> devices;
  const std::vector<host::Bdf> members = assigned_members(host::PciFunction(named.bdf, sysfs), named.managed);
  if (members.size() > 1 && named.vf_settings.mac) {
    throw UsageError(fmt::format("--device {},group=on,mac=: its group has {}, and an address is one function's", named.name(),
                                 fmt::join(host::names_of(members), ", ")),
                     "name each function with its own");
  }
  for (const host::Bdf& bdf : members) {
    const bool first_of_slot = devices.empty() || !same_slot(devices.back().bdf, bdf);
    DeviceSpec& device = devices.emplace_back(named);
    device.bdf = bdf;
    device.address = {.slot = same_slot(bdf, named.bdf) ? named.address.slot : 0, .function = first_of_slot ? 0u : bdf.function};
    if (bdf != named.bdf) device.rom_file.clear();
  }
  return devices;
}

}  // namespace

std::vector<DeviceSpec> expand_groups(std::span<const DeviceSpec> devices, const std::filesystem::path& sysfs) {
  std::vector<DeviceSpec> all;
  for (const DeviceSpec& named : devices) {
    for (DeviceSpec& device : named.group ? expand(named, sysfs) : std::vector{named}) {
      const bool any = device.vf && !device.vf->index;
      if (!any && std::ranges::find(all, device.name(), &DeviceSpec::name) != all.end()) {
        throw UsageError(fmt::format("--device {} is given twice", device.name()),
                         "name each device once, and none that another brings along by group=on");
      }
      all.push_back(std::move(device));
    }
  }
  return all;
}

}  // namespace strait
