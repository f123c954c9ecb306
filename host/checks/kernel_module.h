#pragma once

#include <string_view>
#include <vector>

#include "host/checks/check.h"
#include "host/checks/host_view.h"

namespace strait::host {

enum class ModuleState { kLoaded, kBuiltIn, kLoadable, kMissing };

/// Whether the running kernel has the module, as sysfs, modules.builtin and modules.dep say. `-` and `_` are the same in `name`.
ModuleState module_state(const HostView& host, std::string_view name);

/// KVM's module for this processor, vfio-pci, and VFIO's back end for the IOMMU.
std::vector<Check> check_modules(const HostView& host);

}  // namespace strait::host
