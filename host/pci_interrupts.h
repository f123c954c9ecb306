#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace strait::host {

/// The kinds of interrupts that a function has, by its configuration space (PCI Local Bus Specification 3.0, 6.2.4, 6.7, 6.8). Nothing:
/// unknown.
struct PciInterrupts {
  std::optional<unsigned> pin;   ///< 1 to 4 for INTA to INTD, 0 for none
  std::optional<unsigned> msi;   ///< messages, 0 where it has no MSI
  std::optional<unsigned> msix;  ///< vectors, 0 where it has no MSI-X

  friend bool operator==(const PciInterrupts&, const PciInterrupts&) = default;
};

/// From the first bytes of configuration space, 256 for all of it; fewer, or bytes that make no sense, leave figures unknown. Pure.
PciInterrupts interrupts_of(std::span<const std::uint8_t> config);

}  // namespace strait::host
