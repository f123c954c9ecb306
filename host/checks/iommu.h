#pragma once

#include <optional>

#include "host/checks/check.h"
#include "host/checks/host_view.h"

namespace strait::host {

/// Whether the IOMMU is on, and if not, what keeps it off: firmware, kernel command line, or hypervisor.
Check check_iommu(const HostView& host);

/// Whether the IOMMU remaps interrupts: without it VFIO refuses every device, since a device could raise any interrupt of the host.
/// The kernel tells by its interrupt controllers' names in /proc/interrupts, which begin with "IR-"; the units' registers tell why not
/// (VT-d specification, 11.4.3: ecap bit 3).
Check check_interrupt_remapping(const HostView& host);

/// Whether a device's interrupts reach a running guest without an exit: posted interrupts (VT-d specification, 11.4.2: cap bit 59) and
/// APICv, or AVIC (AMD I/O virtualization specification, 3.4.9: GASup, bit 7). A note: all works without, only slower.
Check check_posted_interrupts(const HostView& host);
/// The same as a truth value; nothing where this host does not tell. Such interrupts are in no count of the host's.
std::optional<bool> posts_interrupts(const HostView& host);

}  // namespace strait::host
