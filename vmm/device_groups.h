#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "vmm/device_spec.h"

namespace strait {

/// The devices, and in place of each that says group=on every function of its IOMMU group that is on a VFIO driver (with managed=on, any), itself in any case,
/// with the same keys but romfile=. Bridges stay behind. Functions of one slot of the host stay together in one of the guest, by their own
/// numbers (the lowest as 0, if 0 is not among them); addr= is for the slot of the one that was named.
///
/// Throws UsageError where a function comes twice, and for mac= where the group has several; Error where group=on is said of none that
/// exists. `sysfs` as PciFunction has it.
std::vector<DeviceSpec> expand_groups(std::span<const DeviceSpec> devices, const std::filesystem::path& sysfs = "/sys");

}  // namespace strait
