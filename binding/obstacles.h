#pragma once

#include <string>
#include <vector>

#include "binding/host.h"
#include "host/bdf.h"
#include "host/network_interface.h"

namespace strait::binding {

/// What of the host uses the network interface, so that it would miss it: "eth0 has the default route", ...; empty where nothing does.
std::vector<std::string> uses_of(const host::NetworkInterface& interface);

/// What of the host uses the function's block devices: mounted, swap, or held by another device (LVM, RAID, dm-crypt).
std::vector<std::string> uses_of_disks(const host::Bdf& function, const Host& host);

/// Throws Error where the function cannot be bound (a bridge, no IOMMU, in use through VFIO, a PF with a VF in use so), or, unless `force`,
/// should not: something of the host uses it, it has VFs, or somebody else has set its driver_override.
void check_bindable(const host::Bdf& function, bool force, const Host& host);

}  // namespace strait::binding
