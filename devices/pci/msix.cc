#include "devices/pci/msix.h"

#include <linux/pci_regs.h>

#include <algorithm>

#include "base/little_endian.h"

namespace strait::pci {
namespace {

constexpr std::uint32_t kEntrySize = PCI_MSIX_ENTRY_SIZE;
constexpr std::uint16_t kMaxVectors = PCI_MSIX_FLAGS_QSIZE + 1;
constexpr std::uint8_t kAddressMask = 0xfc;  // messages are dword writes (PCI 3.0 6.8.2.5)

static_assert(MsixState::kControlEnable == PCI_MSIX_FLAGS_ENABLE);
static_assert(MsixState::kControlFunctionMask == PCI_MSIX_FLAGS_MASKALL);
static_assert(PCI_MSIX_ENTRY_LOWER_ADDR == 0 && PCI_MSIX_ENTRY_UPPER_ADDR == 4);

}  // namespace

MsixState::Entry::Entry() { registers[PCI_MSIX_ENTRY_VECTOR_CTRL] = PCI_MSIX_ENTRY_CTRL_MASKBIT; }

MsiMessage MsixState::Entry::message() const {
  return {.address = load<std::uint64_t>(registers, PCI_MSIX_ENTRY_LOWER_ADDR),
          .data = load<std::uint32_t>(registers, PCI_MSIX_ENTRY_DATA)};
}

bool MsixState::Entry::masked() const {
  return (registers[PCI_MSIX_ENTRY_VECTOR_CTRL] & PCI_MSIX_ENTRY_CTRL_MASKBIT) != 0;
}

MsixState::MsixState(std::uint16_t vectors) : entries_(std::clamp<std::uint16_t>(vectors, 1, kMaxVectors)) {}

std::uint16_t MsixState::vectors() const { return static_cast<std::uint16_t>(entries_.size()); }

bool MsixState::enabled() const { return enabled_; }

bool MsixState::connected(std::uint16_t vector) const { return vector < entries_.size() && entries_[vector].connected; }

unsigned MsixState::unmasked_vectors() const {
  return static_cast<unsigned>(std::ranges::count_if(entries_, [](const Entry& entry) { return !entry.masked(); }));
}

unsigned MsixState::connected_vectors() const { return static_cast<unsigned>(std::ranges::count(entries_, true, &Entry::connected)); }

std::uint16_t MsixState::control() const {
  const unsigned flags = (function_masked_ ? kControlFunctionMask : 0u) | (enabled_ ? kControlEnable : 0u);
  return static_cast<std::uint16_t>((vectors() - 1u) | flags);
}

std::vector<MessageEffect> MsixState::write_control(std::uint16_t value) {
  std::vector<MessageEffect> effects;
  const bool was_enabled = enabled_;
  enabled_ = (value & kControlEnable) != 0;
  function_masked_ = (value & kControlFunctionMask) != 0;

  if (!was_enabled && enabled_) effects.push_back({.kind = MessageEffect::Kind::kEnable, .vectors = vectors()});
  for (std::uint16_t vector = 0; vector < vectors(); ++vector) settle(vector, effects);
  if (was_enabled && !enabled_) effects.push_back({.kind = MessageEffect::Kind::kDisable});
  return effects;
}

void MsixState::read_table(std::uint32_t offset, std::span<std::uint8_t> data) const {
  for (std::uint8_t& byte : data) {
    const std::size_t vector = offset / kEntrySize;
    byte = vector < entries_.size() ? entries_[vector].registers[offset % kEntrySize] : 0xff;
    ++offset;
  }
}

std::vector<MessageEffect> MsixState::write_table(std::uint32_t offset, std::span<const std::uint8_t> data) {
  std::vector<MessageEffect> effects;
  while (!data.empty() && offset / kEntrySize < entries_.size()) {
    const auto vector = static_cast<std::uint16_t>(offset / kEntrySize);
    const std::size_t within = offset % kEntrySize;
    const std::size_t length = std::min<std::size_t>(data.size(), kEntrySize - within);

    auto& registers = entries_[vector].registers;
    std::copy_n(data.begin(), length, registers.begin() + static_cast<std::ptrdiff_t>(within));
    registers[PCI_MSIX_ENTRY_LOWER_ADDR] &= kAddressMask;
    const std::uint32_t control = load<std::uint32_t>(registers, PCI_MSIX_ENTRY_VECTOR_CTRL);
    store(std::span(registers), PCI_MSIX_ENTRY_VECTOR_CTRL, control & std::uint32_t{PCI_MSIX_ENTRY_CTRL_MASKBIT});

    // Settled only now: a write may change the message and the mask together.
    settle(vector, effects);
    data = data.subspan(length);
    offset += static_cast<std::uint32_t>(length);
  }
  return effects;
}

void MsixState::read_pba(std::uint32_t offset, std::span<std::uint8_t> data,
                         const std::function<bool(std::uint16_t)>& pending) const {
  for (std::uint8_t& byte : data) {
    byte = 0;
    const std::uint64_t first = std::uint64_t{offset++} * 8;
    for (unsigned bit = 0; bit < 8 && first + bit < entries_.size(); ++bit) {
      const auto vector = static_cast<std::uint16_t>(first + bit);
      if (!entries_[vector].connected && pending(vector)) byte |= static_cast<std::uint8_t>(1u << bit);
    }
  }
}

std::vector<MessageEffect> MsixState::reset() {
  std::vector<MessageEffect> effects = write_control(0);
  std::ranges::fill(entries_, Entry());
  return effects;
}

void MsixState::settle(std::uint16_t vector, std::vector<MessageEffect>& effects) {
  Entry& entry = entries_[vector];
  const bool connect = enabled_ && !function_masked_ && !entry.masked();
  if (!connect) {
    if (entry.connected) effects.push_back({.kind = MessageEffect::Kind::kDisconnect, .vector = vector});
    entry.connected = false;
    return;
  }
  const MsiMessage message = entry.message();
  if (!entry.connected) {
    effects.push_back({.kind = MessageEffect::Kind::kConnect, .vector = vector, .message = message});
  } else if (message != entry.routed) {
    effects.push_back({.kind = MessageEffect::Kind::kReroute, .vector = vector, .message = message});
  }
  entry.connected = true;
  entry.routed = message;
}

}  // namespace strait::pci
