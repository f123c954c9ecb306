#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "host/bdf.h"

namespace strait::host {

/// The PCI functions that `text` stands for, in any form that people have:
///
///     0000:01:10.0, 01:10.0      as lspci and sysfs write it; whether there is such a function is not asked
///     eth0                       a network interface
///     /sys/class/net/eth0        a path of sysfs at or below a function, or a link to it
///     pci_0000_01_10_0           libvirt's name of a node device
///     env:PCIDEVICE_VENDOR_VFS   an environment variable with addresses, separated by commas: what a device plug-in of Kubernetes sets
///     group:26                   every function of an IOMMU group, but for bridges
///
/// Never empty. Throws UsageError for what is none of these, Error for what this host does not have. `sysfs` is the mount point, another
/// directory in tests; a path is taken as it stands.
std::vector<Bdf> resolve(std::string_view text, const std::filesystem::path& sysfs = "/sys");

/// The same where there can be only one: throws Error, naming them, if there are several.
Bdf resolve_one(std::string_view text, const std::filesystem::path& sysfs = "/sys");

}  // namespace strait::host
