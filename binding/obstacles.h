#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "binding/host.h"
#include "host/bdf.h"
#include "host/network_interface.h"

namespace strait::binding {

/// What of the host uses the network interface, so that it would miss it: "eth0 has the default route", ...; empty where nothing does.
std::vector<std::string> uses_of(const host::NetworkInterface& interface);

/// What of the host uses the function, and would miss it: by its network interfaces, in whatever namespace, and its disks; empty where
/// nothing does.
std::vector<std::string> uses_of(const host::Bdf& function, const Host& host, const host::InterfaceLookup& look_up);

/// What hangs on the function's network interfaces, goes with them, and is not put back: VLANs and their kind, settings of a bridge's port.
std::vector<std::string> losses_of(const host::Bdf& function, const Host& host);

/// Who has the function, as in "it is in use by ...": a process that has it open, or the host; empty for nobody. A driver alone is no use,
/// but whoever chooses a function, or takes VFs away, leaves alone an interface that is merely up as well.
std::string user_of(const host::Bdf& function, const Host& host, const host::InterfaceLookup& look_up);

/// Somebody has the function: who waits, or takes another, comes by one.
class InUse : public Error {
 public:
  using Error::Error;
};

/// Throws InUse where a process has the function open.
void check_idle(const host::Bdf& function, const Host& host);

/// Throws Error where the function cannot be bound: a bridge, no IOMMU, a PF that has VFs. Throws InUse where a process has it open, or a
/// VF of it; and, unless `force`, where something of the host uses it, or somebody else has set its driver_override.
void check_bindable(const host::Bdf& function, bool force, const Host& host);

}  // namespace strait::binding
