#include "devices/pci/msi.h"

#include <linux/pci_regs.h>

#include <algorithm>

#include "base/little_endian.h"

namespace strait::pci {
namespace {

constexpr std::uint16_t kMaxVectors = 32;

constexpr unsigned data_offset(bool wide) { return wide ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32; }
constexpr unsigned mask_offset(bool wide) { return wide ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32; }
static_assert(PCI_MSI_PENDING_32 == 16 && PCI_MSI_PENDING_64 == 20);

std::uint32_t all(std::uint16_t vectors) { return vectors >= kMaxVectors ? ~0u : (1u << vectors) - 1; }

}  // namespace

MsiLayout decode_msi_control(std::uint16_t control) {
  const unsigned capable = (control & PCI_MSI_FLAGS_QMASK) >> 1;
  return {.vectors = static_cast<std::uint16_t>(std::min<unsigned>(1u << capable, kMaxVectors)),
          .wide = (control & PCI_MSI_FLAGS_64BIT) != 0,
          .maskable = (control & PCI_MSI_FLAGS_MASKBIT) != 0};
}

bool MsiState::enabled() const { return (registers_[PCI_MSI_FLAGS] & PCI_MSI_FLAGS_ENABLE) != 0; }

std::uint16_t MsiState::asked_vectors() const {
  const unsigned asked = 1u << ((registers_[PCI_MSI_FLAGS] & PCI_MSI_FLAGS_QSIZE) >> 4);
  return static_cast<std::uint16_t>(std::min<unsigned>(asked, layout_.vectors));
}

std::uint32_t MsiState::masks() const { return layout_.maskable ? load<std::uint32_t>(registers_, mask_offset(layout_.wide)) : 0; }

/// With several vectors the low bits of the data are the vector's number (6.8.1.6).
MsiMessage MsiState::message(std::uint16_t vector) const {
  const std::uint64_t low = load<std::uint32_t>(registers_, PCI_MSI_ADDRESS_LO);
  const std::uint64_t high = layout_.wide ? load<std::uint32_t>(registers_, PCI_MSI_ADDRESS_HI) : 0;
  const auto data = load<std::uint16_t>(registers_, data_offset(layout_.wide));
  return {.address = high << 32 | low, .data = (data & ~(allocated_ - 1u)) | vector};
}

std::uint8_t MsiState::writable(std::size_t offset) const {
  const std::size_t data = data_offset(layout_.wide), mask = mask_offset(layout_.wide);
  if (offset == PCI_MSI_FLAGS) return PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE;
  if (offset == PCI_MSI_ADDRESS_LO) return 0xfc;
  if (offset > PCI_MSI_ADDRESS_LO && offset < data + 2) return 0xff;
  if (layout_.maskable && offset >= mask && offset < mask + 4) {
    return static_cast<std::uint8_t>(all(layout_.vectors) >> (8 * (offset - mask)));
  }
  return 0;
}

std::uint8_t MsiState::fixed(std::size_t offset) const {
  if (offset == PCI_MSI_FLAGS) {
    unsigned capable = 0;
    while ((1u << capable) < layout_.vectors) ++capable;
    return static_cast<std::uint8_t>(capable << 1 | (layout_.wide ? PCI_MSI_FLAGS_64BIT : 0u));
  }
  return offset == PCI_MSI_FLAGS + 1 && layout_.maskable ? PCI_MSI_FLAGS_MASKBIT >> 8 : 0;
}

void MsiState::read(std::uint16_t offset, std::span<std::uint8_t> data, const std::function<bool(std::uint16_t)>& pending) const {
  for (std::uint8_t& byte : data) {
    byte = offset < layout_.size() ? static_cast<std::uint8_t>(registers_[offset] | fixed(offset)) : 0;
    if (layout_.maskable && offset >= layout_.pending_offset() && offset < layout_.size()) {
      const unsigned first = (offset - layout_.pending_offset()) * 8u;
      for (unsigned bit = 0; bit < 8 && first + bit < layout_.vectors; ++bit) {
        const auto vector = static_cast<std::uint16_t>(first + bit);
        if (!connected(vector) && pending(vector)) byte |= static_cast<std::uint8_t>(1u << bit);
      }
    }
    ++offset;
  }
}

std::vector<MessageEffect> MsiState::write(std::uint16_t offset, std::span<const std::uint8_t> data) {
  for (const std::uint8_t byte : data) {
    if (offset < layout_.size()) {
      const std::uint8_t mask = writable(offset);
      registers_[offset] = static_cast<std::uint8_t>((registers_[offset] & ~mask) | (byte & mask));
    }
    ++offset;
  }
  // Settled only now: a write may change several registers.
  std::vector<MessageEffect> effects;
  settle(effects);
  return effects;
}

std::vector<MessageEffect> MsiState::reset() {
  registers_ = {};
  std::vector<MessageEffect> effects;
  settle(effects);
  return effects;
}

void MsiState::disconnect(std::uint16_t vector, std::vector<MessageEffect>& effects) {
  if (!connected(vector)) return;
  effects.push_back({.kind = MessageEffect::Kind::kDisconnect, .vector = vector});
  connected_ &= ~(1u << vector);
}

void MsiState::settle(std::vector<MessageEffect>& effects) {
  // The number of vectors cannot change while they are in use: whoever asks for that gets them anew.
  const std::uint16_t wanted = enabled() ? asked_vectors() : 0;
  if (allocated_ != wanted) {
    for (std::uint16_t vector = 0; vector < allocated_; ++vector) disconnect(vector, effects);
    if (allocated_ != 0) effects.push_back({.kind = MessageEffect::Kind::kDisable});
    allocated_ = wanted;
    if (allocated_ != 0) effects.push_back({.kind = MessageEffect::Kind::kEnable, .vectors = allocated_});
  }
  for (std::uint16_t vector = 0; vector < allocated_; ++vector) {
    if ((masks() >> vector & 1) != 0) {
      disconnect(vector, effects);
      continue;
    }
    const MsiMessage current = message(vector);
    if (!connected(vector)) {
      effects.push_back({.kind = MessageEffect::Kind::kConnect, .vector = vector, .message = current});
    } else if (current != routed_[vector]) {
      effects.push_back({.kind = MessageEffect::Kind::kReroute, .vector = vector, .message = current});
    }
    connected_ |= 1u << vector;
    routed_[vector] = current;
  }
}

}  // namespace strait::pci
