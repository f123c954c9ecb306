#pragma once

#include <span>

#include "vmm/device_spec.h"

namespace strait {

/// Gives each device that asks for no slot the lowest one that is empty; one that asks for a function of no slot goes to that of the device
/// before it. Then every device has an address, and function 0 of a slot knows whether there are more. Throws UsageError where two ask for
/// the same place, a slot has no function 0, or slots run out. Pure.
void place_devices(std::span<DeviceSpec> devices);

}  // namespace strait
