#pragma once

#include <span>

#include "vmm/device_spec.h"

namespace strait {

/// The container is the guest's, not one device's: has every device know the one that any of them names. Throws UsageError where there are
/// two, where an open device comes without the container that its DMA goes through, or where a number stands for two things. Pure.
void check_descriptors(std::span<DeviceSpec> devices);

}  // namespace strait
