#include "binding/usage.h"

#include <filesystem>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "binding/lock.h"
#include "host/pci_function.h"

namespace strait::binding {
namespace fs = std::filesystem;
namespace {

using State = Usage::State;

Usage usage_by_locks(const std::vector<host::Bdf>& functions, const Host& host) {
  Usage usage;
  for (const host::Bdf& function : functions) {
    const auto holder = lock_holder(function, host.run);
    if (holder.somebody()) return {.state = State::kUsed, .user = holder.name()};
    if (holder.state == LockHolder::State::kUnknown) usage.state = State::kUnknown;
  }
  return usage;
}

/// The device files of a function that is on a VFIO driver: its group's, and its own where the kernel has iommufd.
std::vector<fs::path> files_of(const host::PciFunction& function, unsigned group, const Host& host) {
  std::vector<fs::path> files = {host.devfs / "vfio" / std::to_string(group)};
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(host.sysfs / "bus/pci/devices" / function.bdf().to_string() / "vfio-dev", error)) {
    files.push_back(host.devfs / "vfio/devices" / entry.path().filename());
  }
  return files;
}

}  // namespace

Usage usage_of(const host::Bdf& bdf, const host::OpenDevices& open, const Host& host) {
  const host::PciFunction function(bdf, host.sysfs);
  const auto group = function.iommu_group();
  const bool on_vfio = group && function.on_vfio();
  Usage usage = usage_by_locks(on_vfio ? function.group_members() : std::vector{bdf}, host);
  if (usage.state == State::kUsed) return usage;
  // A guest has only what is on vfio-pci.
  if (!on_vfio) return {};
  for (const fs::path& file : files_of(function, *group, host)) {
    for (const host::Process& user : open.users_of(file)) {
      return {.state = State::kUsed, .user = fmt::format("{}, process {}", user.name, user.pid)};
    }
  }
  if (!open.complete()) usage.state = State::kUnknown;
  return usage;
}

}  // namespace strait::binding
