#pragma once

#include <cstdint>
#include <vector>

namespace strait::boot::acpi {

/// AML for the slots of bus 0 whose bits are set, so that devices come and go in them while the guest runs: each slot is a Device in
/// \_SB.PCI0 with a method _EJ0, and \_GPE._E01 passes on what pci::SlotEvents says. Pure.
std::vector<std::uint8_t> slots_aml(std::uint32_t slots);

}  // namespace strait::boot::acpi
