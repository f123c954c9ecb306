#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include "devices/pci/msi.h"

namespace strait::pci::test {

/// MSI as PCI 3.0 6.8.1 describes it, in the simplest way there is: the capability's bytes from its ID on, and nothing remembered.
class MsiReference {
 public:
  explicit MsiReference(const MsiLayout& layout) : layout_(layout), bytes_(layout.size()) { reset(); }

  void reset() {
    std::fill(bytes_.begin(), bytes_.end(), std::uint8_t{0});
    unsigned capable = 0;
    while (1u << capable < layout_.vectors) ++capable;
    bytes_[2] = static_cast<std::uint8_t>(capable << 1 | (layout_.wide ? 0x80 : 0));
    bytes_[3] = layout_.maskable ? 1 : 0;
  }
  void write(std::size_t offset, std::uint8_t byte) {
    const std::uint8_t mask = writable(offset);
    bytes_[offset] = static_cast<std::uint8_t>((bytes_[offset] & ~mask) | (byte & mask));
  }
  /// Pending bits read as 0: they are the owner's.
  std::uint8_t read(std::size_t offset) const { return bytes_[offset]; }

  bool enabled() const { return (bytes_[2] & 1) != 0; }
  /// Vectors in use; 0 while MSI is off.
  unsigned allocated() const { return enabled() ? std::min<unsigned>(1u << (bytes_[2] >> 4 & 7), layout_.vectors) : 0; }
  /// What each vector that is in use and not masked sends.
  std::map<std::uint16_t, MsiMessage> all_live() const {
    std::map<std::uint16_t, MsiMessage> live;
    const std::uint64_t address = number(4, 4) | (layout_.wide ? number(8, 4) << 32 : 0);
    const auto data = static_cast<std::uint32_t>(number(data_at(), 2));
    const std::uint64_t masks = layout_.maskable ? number(mask_at(), 4) : 0;
    for (std::uint16_t vector = 0; vector < allocated(); ++vector) {
      if ((masks >> vector & 1) != 0) continue;
      live[vector] = {.address = address, .data = data / allocated() * allocated() + vector};
    }
    return live;
  }

 private:
  std::size_t data_at() const { return layout_.wide ? 12 : 8; }
  std::size_t mask_at() const { return data_at() + 4; }
  std::uint64_t number(std::size_t at, std::size_t size) const {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value |= std::uint64_t{bytes_[at + i]} << 8 * i;
    return value;
  }
  std::uint8_t writable(std::size_t offset) const {
    if (offset == 2) return 0x71;
    if (offset == 4) return 0xfc;
    if (offset > 4 && offset < data_at() + 2) return 0xff;
    if (!layout_.maskable || offset < mask_at() || offset >= mask_at() + 4) return 0;
    std::uint8_t bits = 0;
    for (unsigned bit = 0; bit < 8; ++bit) {
      if ((offset - mask_at()) * 8 + bit < layout_.vectors) bits |= static_cast<std::uint8_t>(1u << bit);
    }
    return bits;
  }

  const MsiLayout layout_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace strait::pci::test
