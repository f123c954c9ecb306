#include "binding/usage.h"

#include <filesystem>
#include <vector>

#include <fmt/format.h>

#include "binding/function_paths.h"
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

}  // namespace

Usage usage_of(const host::Bdf& bdf, const host::OpenDevices& open, const Host& host) {
  const host::PciFunction function(bdf, host.sysfs);
  const bool on_vfio = function.iommu_group() && function.on_vfio();
  Usage usage = usage_by_locks(on_vfio ? function.group_members() : std::vector{bdf}, host);
  if (usage.state == State::kUsed) return usage;
  // A guest has only what is on vfio-pci.
  if (!on_vfio) return {};
  for (const fs::path& file : device_files_of(function, host.sysfs)) {
    for (const host::Process& user : open.users_of(host.devfs / file)) {
      return {.state = State::kUsed, .user = fmt::format("{}, process {}", user.name, user.pid)};
    }
  }
  if (!open.complete()) usage.state = State::kUnknown;
  return usage;
}

}  // namespace strait::binding
