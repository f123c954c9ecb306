#pragma once

#include "cli/libvirt/config_text.h"
#include "cli/libvirt/document.h"

namespace strait::libvirt {

/// Writes a `device =` line for each PCI function that the domain is given: <hostdev type='pci'> and <interface type='hostdev'>, in the
/// domain's order. What else can be given to a libvirt guest from the host is left out, each with its reason. Throws UsageError.
void convert_devices(const Element& devices, ConfigText& config);

}  // namespace strait::libvirt
