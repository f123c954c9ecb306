#pragma once

#include "devices/interrupt_router.h"
#include "tests/kvm/micro_guest.h"

namespace strait::test {

/// A guest that sleeps and counts its interrupts: vectors kFirstVector to kFirstVector + kVectors - 1, each with a count of its
/// own.
class InterruptGuest : public MicroGuest {
 public:
  static constexpr std::uint8_t kFirstVector = 0x50;
  static constexpr unsigned kVectors = 8;

  InterruptGuest();

  void start_and_wait_until_ready();
  /// How often interrupt `number` (0 to kVectors - 1) arrived.
  std::uint32_t count(unsigned number) const { return result(kCounts + 4 * number); }
  bool eventually_counts(unsigned number, std::uint32_t expected) const;

  /// The message that raises interrupt `number`: fixed, edge-triggered, for APIC 0 (Intel SDM 11.11).
  static MsiMessage message(unsigned number) { return {.address = 0xfee00000, .data = kFirstVector + number}; }

 private:
  static constexpr std::uint64_t kCounts = 0x10;
};

}  // namespace strait::test
