#include "devices/pci/config_space.h"

namespace strait::pci {

void ConfigSpace::read(std::uint16_t offset, std::span<std::uint8_t> data) const {
  std::size_t position = offset;
  for (std::uint8_t& byte : data) {
    byte = position < kSize ? image_[position] : 0xff;
    ++position;
  }
}

void ConfigSpace::write(std::uint16_t offset, std::span<const std::uint8_t> data) {
  std::size_t position = offset;
  for (const std::uint8_t byte : data) {
    if (position >= kSize) return;
    const std::uint8_t mask = writable_[position];
    image_[position] = static_cast<std::uint8_t>((image_[position] & ~mask) | (byte & mask));
    ++position;
  }
}

}  // namespace strait::pci
