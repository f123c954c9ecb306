#include "binding/obstacles.h"

#include <algorithm>
#include <optional>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "binding/disks.h"
#include "binding/function_paths.h"
#include "binding/lock.h"
#include "host/assignable.h"
#include "host/pci_function.h"

namespace strait::binding {
namespace fs = std::filesystem;
namespace {

struct Opener {
  std::string who, file;
};

std::optional<Opener> opener_of(const host::PciFunction& function, const Host& host) {
  for (const fs::path& file : device_files_of(function, host.sysfs)) {
    if (const std::string who = host.changes->opener_of(file); !who.empty()) return Opener{who, file};
  }
  return std::nullopt;
}

/// What stands against binding, but can be overruled.
std::vector<std::string> objections(const host::PciFunction& function, const Host& host) {
  auto found = uses_of(function.bdf(), host, host::interface_lookup());
  if (const std::string name = function.driver_override(); !name.empty() && name != kVfioPci) {
    found.push_back(fmt::format("somebody else has set its driver_override to {}", name));
  }
  return found;
}

}  // namespace

std::vector<std::string> uses_of(const host::NetworkInterface& interface) {
  std::vector<std::string> uses;
  if (interface.default_route) uses.push_back(fmt::format("{} has the default route", interface.name));
  for (const std::string& address : interface.addresses) {
    // A link-local one comes with any interface that is up.
    if (!address.starts_with("fe80:")) uses.push_back(fmt::format("{} has the address {}", interface.name, address));
  }
  if (!interface.master.empty()) uses.push_back(fmt::format("{} belongs to {}", interface.name, interface.master));
  if (!interface.uppers.empty()) uses.push_back(fmt::format("{} carries {}", interface.name, fmt::join(interface.uppers, ", ")));
  return uses;
}

std::vector<std::string> uses_of(const host::Bdf& function, const Host& host, const host::InterfaceLookup& look_up) {
  std::vector<std::string> uses;
  for (const std::string& name : host::interfaces_of(function, host.sysfs)) {
    if (const auto interface = look_up(name)) std::ranges::copy(uses_of(*interface), std::back_inserter(uses));
  }
  if (host::has_interfaces_elsewhere(function, host.sysfs)) {
    uses.push_back("its network interface is in another network namespace, such as a container's");
  }
  std::ranges::copy(uses_of_disks(function, host), std::back_inserter(uses));
  return uses;
}

std::vector<std::string> losses_of(const host::Bdf& function, const Host& host) {
  std::vector<std::string> losses;
  std::error_code error;
  const auto look_up = host::interface_lookup();
  for (const std::string& name : host::interfaces_of(function, host.sysfs)) {
    const auto interface = look_up(name);
    if (interface && !interface->uppers.empty()) {
      losses.push_back(fmt::format("{} on top of {} will be gone, and not put back", fmt::join(interface->uppers, ", "), name));
    }
    if (fs::exists(host.sysfs / "class/net" / name / "brport", error)) {
      losses.push_back(fmt::format("{} will be a port of its bridge again, but with a new port's settings (VLANs, cost, flags)", name));
    }
  }
  if (host::has_interfaces_elsewhere(function, host.sysfs)) {
    losses.push_back(fmt::format("the interface of {} in another network namespace will be in the host's first one, without its configuration",
                                 function.to_string()));
  }
  return losses;
}

std::string user_of(const host::Bdf& bdf, const Host& host, const host::InterfaceLookup& look_up) {
  const host::PciFunction function(bdf, host.sysfs);
  if (const auto opener = opener_of(function, host)) return fmt::format("by {} that has /dev/{} open", opener->who, opener->file);
  if (const auto uses = uses_of(bdf, host, look_up); !uses.empty()) return fmt::format("by the host: {}", fmt::join(uses, ", "));
  for (const std::string& name : host::interfaces_of(bdf, host.sysfs)) {
    const auto interface = look_up(name);
    if (!interface) return fmt::format("as {} of another network namespace", name);
    if (interface->up) return fmt::format("by the host: {} is up", name);
  }
  return "";
}

void check_idle(const host::Bdf& bdf, const Host& host) {
  if (const auto opener = opener_of(host::PciFunction(bdf, host.sysfs), host)) {
    throw InUse(fmt::format("{} is in use: {} has /dev/{} open", bdf.to_string(), opener->who, opener->file), "end that one first");
  }
}

void check_bindable(const host::Bdf& bdf, bool force, const Host& host) {
  const host::PciFunction function(bdf, host.sysfs);
  const std::string name = bdf.to_string();
  if (function.has_bus()) {
    throw Error(fmt::format("{} is a bridge", name), "bind the functions behind it");
  }
  if (!function.iommu_group()) {
    throw Error(fmt::format("no IOMMU translates for {}", name), host::no_iommu_remedy(function));
  }
  check_idle(bdf, host);
  const auto vfs = function.virtual_functions();
  for (const auto& vf : vfs) {
    if (const auto holder = lock_holder(vf.bdf, host.run); holder.somebody()) {
      throw InUse(fmt::format("{}, a VF of {}, is in use by {}", vf.bdf.to_string(), name, holder.name()), "end that one first");
    }
    check_idle(vf.bdf, host);
  }
  if (function.on_vfio()) return;
  if (!vfs.empty()) {
    throw Error(fmt::format("{} has {} VFs, which would go with its driver and not come back", name, vfs.size()),
                fmt::format("remove them first: strait vf remove {}", name));
  }
  if (force) return;
  if (const auto found = objections(function, host); !found.empty()) {
    throw InUse(fmt::format("{} is in use on this host: {}", name, fmt::join(found, "; ")), "end that use, or bind it with --force");
  }
}

}  // namespace strait::binding
