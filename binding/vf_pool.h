#pragma once

#include <optional>
#include <span>
#include <vector>

#include "binding/host.h"
#include "binding/lease.h"
#include "host/bdf.h"
#include "host/vf_settings.h"

namespace strait::binding {

/// Takes a function for a run: it is bound to vfio-pci, and where it is a VF it has `settings`. The lease gives back the driver and, of a
/// VF, those settings, and a MAC address that a guest's driver changed. Throws Error where that cannot be done, and changes nothing then.
Lease take_function(const host::Bdf& function, const host::VfSettings& settings, const Host& host);

/// The VF number `index` of a PF. Throws Error where it has none.
host::Bdf vf_of(const host::Bdf& pf, unsigned index, const Host& host);

/// The same for the VF number `index` of a PF, or any that is free if no number is given: one whose lock can be had, that the host does not
/// use, and that is not among `others`. Of two processes that take from one PF each gets its own, or the later one an Error that says who
/// has which.
Lease take_vf(const host::Bdf& pf, std::optional<unsigned> index, const host::VfSettings& settings, std::span<const host::Bdf> others,
              const Host& host);

/// Has the PF's driver enforce `settings` on a VF, for good. Throws Error where a run has it, which would set it back when it ends; what a
/// run left that was killed is put right first.
void set_vf(const host::Bdf& pf, unsigned index, const host::VfSettings& settings, const Host& host);

}  // namespace strait::binding
