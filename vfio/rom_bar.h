#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/mapped_region.h"
#include "devices/memory_slots.h"

namespace strait::vfio {

/// A function's expansion ROM (PCI 3.0 6.2.5.2): the BAR register as the guest reads and writes it, and the contents as read-only memory
/// where register and Command ask for that. Not thread-safe: the function holds its lock.
class RomBar {
 public:
  /// Reads the contents, `size` bytes at most; what is missing reads as ones. Called once, when the guest first enables the ROM: reading it
  /// from a device takes its time.
  using Reader = std::function<std::vector<std::uint8_t>()>;

  /// `size` is that of the ROM, at least 1; the BAR is the power of two that holds it, a page at least.
  RomBar(std::uint64_t size, Reader reader, MemorySlots& slots);
  ~RomBar() { remove(); }
  RomBar(const RomBar&) = delete;
  RomBar& operator=(const RomBar&) = delete;

  std::uint64_t size() const { return size_; }
  void set_address(std::uint64_t address) { register_ = static_cast<std::uint32_t>(address) & address_mask(); }
  /// `offset` counts from the register, 0 to 3; data does not pass its end.
  void read(unsigned offset, std::span<std::uint8_t> data) const;
  void write(unsigned offset, std::span<const std::uint8_t> data);

  /// Makes the ROM answer or not. `decoded` is what Command and the power state say.
  void settle(bool decoded);
  /// The first half of that: takes it from where it is not to answer any more.
  void make_room(bool decoded);
  void remove();

 private:
  std::uint32_t address_mask() const { return ~static_cast<std::uint32_t>(size_ - 1); }
  /// Where it is to answer.
  std::optional<std::uint32_t> wanted(bool decoded) const;
  void fill();

  const std::uint64_t size_;
  const Reader reader_;
  MemorySlots& slots_;
  std::uint32_t register_ = 0;
  std::optional<MappedRegion> contents_;
  std::optional<MemorySlots::Slot> slot_;
  std::uint32_t placed_at_ = 0;
};

}  // namespace strait::vfio
