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

/// What sysfs says in the file `name` of one of the function's network interfaces; "" where there is none. Among others:
/// dev_port, the port of the card, which tells the interfaces of one function apart.
std::string interface_text(const host::Bdf& function, const std::string& interface, const char* name, const std::filesystem::path& sysfs);

}  // namespace strait::binding
