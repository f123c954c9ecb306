#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "host/bdf.h"

namespace strait::binding {

/// The VFIO driver that strait binds to.
inline constexpr std::string_view kVfioPci = "vfio-pci";

/// A function's attribute below sysfs: bus/pci/devices/0000:01:10.0/NAME.
std::string attribute_path(const host::Bdf& function, std::string_view name);

/// Which port of its card a network interface is, "" where the kernel does not tell: it tells the interfaces of one function apart.
std::string interface_port(const host::Bdf& function, const std::string& interface, const std::filesystem::path& sysfs);

}  // namespace strait::binding
