#include "binding/obstacles.h"

#include <algorithm>
#include <sstream>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/syscall.h"
#include "binding/lock.h"
#include "binding/undo.h"
#include "host/assignable.h"
#include "host/pci_function.h"

namespace strait::binding {
namespace fs = std::filesystem;
namespace {

std::string text_of(const fs::path& path) {
  try {
    return read_text_file(path);
  } catch (const Error&) {
    return "";
  }
}

/// The block devices behind the function, partitions included.
std::vector<fs::path> disks_of(const host::Bdf& function, const fs::path& sysfs) {
  std::vector<fs::path> disks;
  const std::string part = fmt::format("/{}/", function.to_string());
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(sysfs / "class/block", error)) {
    const fs::path real = fs::canonical(entry.path(), error);
    if (!error && real.native().find(part) != std::string::npos) disks.push_back(real);
  }
  std::ranges::sort(disks);
  return disks;
}

/// Where a block device is mounted, empty for nowhere. See proc_pid_mountinfo(5):
/// `36 35 98:0 /root /mount/point options - type source options`.
std::string mount_point(const std::string& name, const std::string& number, const std::string& mountinfo) {
  std::istringstream lines(mountinfo);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string id, parent, device, root, point, word, type, source;
    words >> id >> parent >> device >> root >> point;
    while (words >> word && word != "-") {
    }
    words >> type >> source;
    // A file system on several devices, like btrfs, has a number of its own.
    if (device == number || source == "/dev/" + name) return point;
  }
  return "";
}

bool is_swap(const std::string& name, const std::string& swaps) {
  std::istringstream lines(swaps);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("/dev/" + name + " ") || line.starts_with("/dev/" + name + "\t")) return true;
  }
  return false;
}

/// Throws Error where a process has the function open.
void check_idle(const host::PciFunction& function, const Host& host) {
  if (const auto group = function.iommu_group(); group && function.on_vfio() && host.changes->is_open(*group)) {
    throw Error(fmt::format("{} is in use: a process has /dev/vfio/{} open", function.bdf().to_string(), *group), "end that one first");
  }
}

/// What stands against binding, but can be overruled.
std::vector<std::string> objections(const host::Bdf& bdf, const Host& host) {
  std::vector<std::string> found;
  const auto look_up = host::interface_lookup();
  for (const std::string& name : host::interfaces_of(bdf, host.sysfs)) {
    if (const auto interface = look_up(name)) std::ranges::copy(uses_of(*interface), std::back_inserter(found));
  }
  if (host::has_interfaces_elsewhere(bdf, host.sysfs)) {
    found.push_back("its network interface is in another network namespace, such as a container's");
  }
  std::ranges::copy(uses_of_disks(bdf, host), std::back_inserter(found));
  const host::PciFunction function(bdf, host.sysfs);
  if (const auto vfs = function.virtual_functions(); !vfs.empty()) {
    found.push_back(fmt::format("it has {} VFs, which go with its driver", vfs.size()));
  }
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

std::vector<std::string> uses_of_disks(const host::Bdf& function, const Host& host) {
  std::vector<std::string> uses;
  const auto disks = disks_of(function, host.sysfs);
  if (disks.empty()) return uses;
  const std::string mounts = text_of(host.procfs / "self/mountinfo"), swaps = text_of(host.procfs / "swaps");
  for (const fs::path& disk : disks) {
    const std::string name = disk.filename();
    if (const auto point = mount_point(name, text_of(disk / "dev"), mounts); !point.empty()) {
      uses.push_back(fmt::format("{} is mounted on {}", name, point));
    }
    if (is_swap(name, swaps)) uses.push_back(fmt::format("{} is swap space", name));
    std::error_code error;
    for (const auto& holder : fs::directory_iterator(disk / "holders", error)) {
      uses.push_back(fmt::format("{} is part of {}", name, holder.path().filename().native()));
    }
  }
  return uses;
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
  check_idle(function, host);
  for (const auto& vf : function.virtual_functions()) {
    if (const auto holder = lock_holder(vf.bdf, host.run); holder.somebody()) {
      throw Error(fmt::format("{}, a VF of {}, is in use by {}", vf.bdf.to_string(), name, holder.name()), "end that one first");
    }
    check_idle(function.sibling(vf.bdf), host);
  }
  if (force || function.on_vfio()) return;
  if (const auto found = objections(bdf, host); !found.empty()) {
    throw Error(fmt::format("{} is in use on this host: {}", name, fmt::join(found, "; ")), "end that use, or bind it with --force");
  }
}

}  // namespace strait::binding
