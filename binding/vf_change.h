#pragma once

#include <filesystem>

#include "binding/record.h"
#include "host/vf_info.h"

namespace strait::binding {

/// What the driver of a PF says of its VFs; empty where it has no network interface. Throws Error where rtnetlink fails.
host::VfTable read_vfs(const host::Bdf& pf, const std::filesystem::path& sysfs);

/// Makes `settings` those of a VF, one after another, as far as they are not so already. Throws Error naming the first that the driver
/// refuses. Each starts with fault_point().
void change_vf(const host::Bdf& pf, unsigned index, const host::VfSettings& settings, const std::filesystem::path& sysfs);

/// Gives a VF the settings back that its PF had for it, as far as they are no longer so. Nothing where the VF is gone, or its PF's driver.
void restore_vf(const VfBefore& before, const std::filesystem::path& sysfs);

/// The two forms of a VF's settings in a record.
nlohmann::json to_json(const host::VfSettings& settings);
host::VfSettings from_json(const nlohmann::json& settings);

/// What one request can bring about: `settings` in parts, in the order in which the kernel would take them.
std::vector<host::VfSettings> in_steps(const host::VfSettings& settings);

}  // namespace strait::binding
