#pragma once

#include <filesystem>
#include <vector>

#include "binding/record.h"
#include "host/vf_info.h"

namespace strait::binding {

/// What the driver of a PF says of its VFs; empty where it has no network interface. Throws Error where rtnetlink fails.
host::VfTable read_vfs(const host::Bdf& pf, const std::filesystem::path& sysfs);

/// Makes `settings` those of a VF, one after another, as far as they are not so already. Throws Error naming the first that the driver
/// refuses. Each starts with fault_point().
void change_vf(const host::Bdf& pf, unsigned index, const host::VfSettings& settings, const std::filesystem::path& sysfs);

/// What one request can bring about: `settings` in parts, in the order in which the kernel would take them.
std::vector<host::VfSettings> in_steps(const host::VfSettings& settings);

/// The steps that set back a VF which is set `now`: whatever is still as strait set it. A MAC address that strait did not choose is the
/// doing of the VF's driver, in the guest, and set back as well. What others have changed since stays.
std::vector<host::VfSettings> steps_back(const VfBefore& before, const host::VfSettings& now);

}  // namespace strait::binding
