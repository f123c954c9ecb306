#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "base/little_endian.h"

namespace strait::pci {

/// A function's 4 KiB of configuration space, with a mask that says bit by bit what a guest may write. Everything is zero and
/// read-only at first. A passive store without a lock: its owner serialises accesses.
class ConfigSpace {
 public:
  static constexpr std::size_t kSize = 4096;

  /// A guest's access: 1, 2 or 4 bytes, naturally aligned, at `offset` below 4096 (longer ones are served too, cut at the
  /// end: bytes past it read as ones). A write changes only writable bits.
  void read(std::uint16_t offset, std::span<std::uint8_t> data) const;
  void write(std::uint16_t offset, std::span<const std::uint8_t> data);

  /// The owner's own access to a field, whatever its mask says. The field lies within the 4 KiB.
  template <typename T>
    requires std::is_unsigned_v<T>
  T get(std::uint16_t offset) const {
    return load<T>(image_, offset);
  }
  template <typename T>
    requires std::is_unsigned_v<T>
  void set(std::uint16_t offset, T value) {
    store(std::span<std::uint8_t>(image_), offset, value);
  }
  /// Says which bits of the field at `offset` a guest may write.
  template <typename T>
    requires std::is_unsigned_v<T>
  void set_writable(std::uint16_t offset, T mask) {
    store(std::span<std::uint8_t>(writable_), offset, mask);
  }

  /// The image as it is, for walking capabilities and for filling it from a device.
  std::span<std::uint8_t, kSize> bytes() { return image_; }
  std::span<const std::uint8_t, kSize> bytes() const { return image_; }

 private:
  std::array<std::uint8_t, kSize> image_{};
  std::array<std::uint8_t, kSize> writable_{};
};

}  // namespace strait::pci
