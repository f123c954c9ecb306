#pragma once

#include "binding/host.h"
#include "host/bdf.h"

namespace strait::binding {

/// Gives a PF `count` VFs in place of those it has; 0 takes them away. No host driver is bound to new ones unless `probe`. False where it
/// has so many already: they stay, but with `probe` those without a driver get the host's. Throws Error where the PF cannot have so many,
/// or one that there is now is in use, and changes nothing then; or where the PF's driver refuses: those that there were are made anew
/// then, with their drivers and settings. The caller holds signals.
bool set_vf_count(const host::Bdf& pf, unsigned count, bool probe, const Host& host);

}  // namespace strait::binding
