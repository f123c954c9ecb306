#pragma once

#include "binding/host.h"
#include "binding/lock.h"
#include "binding/record.h"

namespace strait::binding {

/// The VFIO driver that strait binds to.
inline constexpr std::string_view kVfioPci = "vfio-pci";

/// A function's attribute below sysfs: bus/pci/devices/0000:01:10.0/NAME.
std::string attribute_path(const host::Bdf& function, std::string_view name);
/// Which port of its card a network interface is, "" where the kernel does not tell: it tells the interfaces of one function apart.
std::string interface_port(const host::Bdf& function, const std::string& interface, const std::filesystem::path& sysfs);

/// Makes of the function what the record says it was. Each step looks first whether it is still to do, so that this can be killed at any
/// point and done again. What others have changed since is left as it is: a driver_override or an attribute that is not what strait wrote,
/// a driver that strait did not bind; so is another card in the place of that one. Throws Error where the kernel refuses, or while a
/// process has the function open. The caller has the lock, and removes the record afterwards.
void undo(const Record& record, const Host& host);

/// Puts right what processes that were killed left of this function: a run that did not undo its changes, a bind or a release that stopped
/// half way. True where there was something. Throws Error where that fails.
bool settle(const Lock& lock, const Records& records, const Host& host);

}  // namespace strait::binding
