#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/types.h"

namespace strait::pci {

enum class BarKind { kNone, kIo, kMemory32, kMemory64 };

/// One base address register as the hardware implements it (PCI 3.0 6.2.5.1). `size` is a power of two; a 64-bit BAR takes
/// its own register and the next, whose entry is kNone.
struct BarShape {
  BarKind kind = BarKind::kNone;
  bool prefetchable = false;
  std::uint64_t size = 0;

  friend bool operator==(const BarShape&, const BarShape&) = default;
};

inline constexpr unsigned kBarCount = 6;

/// What each register answered after all ones were written to it, decoded. Pure. A nonsensical answer (no address bits, a
/// 64-bit BAR in the last register, all ones from a device that is gone) is kNone.
std::array<BarShape, kBarCount> decode_bars(const std::array<std::uint32_t, kBarCount>& sizing_answers);

/// The BAR registers of one type 0 header as the guest reads and writes them. Pure state: the caller places and removes
/// mappings. Sizing works by any method, because the bits below the size always read as the hardware's: writing any
/// value and reading back is all that sizing is.
class BarRegisters {
 public:
  explicit BarRegisters(const std::array<BarShape, kBarCount>& shapes);

  const BarShape& shape(unsigned bar) const;
  /// `offset` counts from BAR 0 (config offset 0x10), 0 to 23; data of 1, 2 or 4 bytes, naturally aligned.
  void read(unsigned offset, std::span<std::uint8_t> data) const;
  void write(unsigned offset, std::span<const std::uint8_t> data);
  /// The address that the register holds, flag bits masked off.
  std::uint64_t address(unsigned bar) const;
  void set_address(unsigned bar, std::uint64_t address);

 private:
  std::array<BarShape, kBarCount> shapes_;
  std::array<std::uint32_t, kBarCount> registers_{};
};

/// Hands out naturally aligned addresses from the windows that ACPI announces. Pure.
///
/// 64-bit prefetchable or not, a 64-bit BAR goes to the high window; it falls back to the low one where the high is full or
/// absent, never the other way round. I/O BARs have a window of ports.
class BarAllocator {
 public:
  BarAllocator(Range<Gpa> low, Range<Gpa> high, Range<Gpa> ports = {}) : low_{low, {}}, high_{high, {}}, ports_{ports, {}} {}

  /// The address for a BAR of this shape; in memory at least page-aligned, so that no two BARs share a page. False where there is no room.
  bool allocate(const BarShape& shape, Gpa& address);

 private:
  struct Window {
    Range<Gpa> range;
    std::vector<Range<Gpa>> taken;  ///< ascending

    bool place(std::uint64_t size, Gpa& address);
  };

  Window low_, high_, ports_;
};

}  // namespace strait::pci
