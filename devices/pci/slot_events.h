#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "devices/bus.h"

namespace strait::pci {

/// Where the guest's ACPI methods learn which slots of the PCI bus got a device or shall lose theirs, and where they say that they let one
/// go. Three registers of 32 bits, a bit for each slot:
///
///     offset 0  inserted: read by _E01, and zero after that; each bit is a Device Check (ACPI 6.5, 5.6.6)
///     offset 4  wanted back: likewise; each bit is an Eject Request
///     offset 8  ejected: written by _EJ0 (6.3.3)
///
/// Whoever sets a bit raises the event that has _E01 run. Any thread.
class SlotEvents : public BusDevice {
 public:
  static constexpr std::uint64_t kSize = 12;

  /// `on_eject` is told the slots, by a vCPU thread; it may not block.
  explicit SlotEvents(std::function<void(std::uint32_t slots)> on_eject) : on_eject_(std::move(on_eject)) {}

  void insert(unsigned slot) { inserted_ |= 1u << slot; }
  void want_back(unsigned slot) { wanted_ |= 1u << slot; }
  /// What the guest has not read of the slot is no news any more.
  void forget(unsigned slot);

  /// Only accesses of 32 bits that are aligned: others read as all ones and are dropped.
  void read(std::uint64_t offset, std::span<std::uint8_t> data) override;
  void write(std::uint64_t offset, std::span<const std::uint8_t> data) override;

 private:
  std::atomic<std::uint32_t> inserted_ = 0, wanted_ = 0;
  std::function<void(std::uint32_t)> on_eject_;
};

}  // namespace strait::pci
