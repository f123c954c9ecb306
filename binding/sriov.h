#pragma once

#include <string>

#include "binding/host.h"
#include "host/bdf.h"
#include "host/network_interface.h"

namespace strait::binding {

/// Who uses a VF, and so would lose it with its PF's VFs: a process through VFIO, or the host by its network interface or disk; empty for
/// nobody. A driver alone does not use it; an interface that was moved to another network namespace is somebody's there.
std::string user_of(const host::Bdf& vf, const Host& host, const host::InterfaceLookup& look_up);

/// Gives a PF `count` VFs in place of those it has; 0 takes them away. No host driver is bound to new ones unless `probe`. False where it
/// has so many already: they stay, but with `probe` those without a driver get the host's. Throws Error where the PF cannot have so many,
/// or one that there is now is in use, and changes nothing then; or where the PF's driver refuses. The caller holds signals.
bool set_vf_count(const host::Bdf& pf, unsigned count, bool probe, const Host& host);

}  // namespace strait::binding
