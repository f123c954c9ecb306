#pragma once

#include <cstdint>
#include <vector>

#include "base/types.h"
#include "boot/layout.h"

namespace strait::boot {

/// What of the machine the ACPI tables tell; the rest is fixed (boot/layout.h, boot/acpi/ports.h).
struct AcpiConfig {
  /// One for each vCPU, boot processor first.
  std::vector<std::uint32_t> apic_ids{0};
  std::uint8_t ioapic_id = 0;
  /// Bus 0's configuration space: 1 MiB below 4 GiB.
  Range<Gpa> ecam = kEcam;
  /// The windows of the PCI host bridge; an empty one is not announced. mmio32 lies below 4 GiB.
  Range<Gpa> mmio32 = kMmio32;
  Range<Gpa> mmio64 = {};
  /// Slots of bus 0 in which devices may come and go while the guest runs, a bit for each.
  std::uint32_t hotplug_slots = 0;
};

/// All ACPI tables (ACPI 6.5, chapter 5) as they must lie in guest memory at `base`, 64-byte aligned: the RSDP comes first.
/// Throws Error where they take more than kAcpiTables has room for (more than about 8,000 vCPUs). Pure.
std::vector<std::uint8_t> build_acpi(const AcpiConfig& config, Gpa base);

}  // namespace strait::boot
