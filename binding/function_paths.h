#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "host/bdf.h"
#include "host/pci_function.h"

namespace strait::binding {

/// The VFIO driver that strait binds to.
inline constexpr std::string_view kVfioPci = "vfio-pci";

/// A function's attribute below sysfs: bus/pci/devices/0000:01:10.0/NAME.
std::string attribute_path(const host::Bdf& function, std::string_view name);

/// The device files below /dev by which a process may have the function: VFIO's, vfio/12 and vfio/devices/vfio3, where it is on a VFIO
/// driver, and those of UIO drivers (DPDK), uio0.
std::vector<std::filesystem::path> device_files_of(const host::PciFunction& function, const std::filesystem::path& sysfs);

/// What sysfs says in the file `name` of one of the function's network interfaces; "" where there is none. Among others:
/// dev_port, the port of the card, which tells the interfaces of one driver apart.
std::string interface_text(const host::Bdf& function, const std::string& interface, const char* name, const std::filesystem::path& sysfs);

/// The device that one of the function's network interfaces is of, as a path from the function: "." for its own, "usb1/1-2/1-2:1.0" for
/// one that is on its USB; "" where sysfs does not say.
std::string interface_device(const host::Bdf& function, const std::string& interface, const std::filesystem::path& sysfs);

}  // namespace strait::binding
