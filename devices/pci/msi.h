#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "devices/pci/message_effect.h"

namespace strait::pci {

/// What a function's MSI capability can do (PCI 3.0 6.8.1), read from its control word.
struct MsiLayout {
  std::uint16_t vectors = 1;  ///< 1, 2, 4, 8, 16 or 32
  bool wide = false;          ///< 64-bit message addresses
  bool maskable = false;      ///< a mask and a pending bit for each vector

  /// Bytes from the capability's ID to its end.
  std::uint16_t size() const { return static_cast<std::uint16_t>(10 + (wide ? 4 : 0) + (maskable ? 10 : 0)); }
  /// Where the pending bits lie in the capability; only with `maskable`.
  std::uint16_t pending_offset() const { return wide ? 20 : 16; }

  friend bool operator==(const MsiLayout&, const MsiLayout&) = default;
};

/// Decodes the control word. Reserved sizes count as 32. Pure.
MsiLayout decode_msi_control(std::uint16_t control);

/// The guest's view of one function's MSI registers (PCI 3.0 6.8.1). A pure object: a write goes in, a list of effects comes out, the owner
/// does the system calls. How many vectors there are is settled when the guest enables MSI; a vector is connected while MSI is enabled and
/// its mask bit clear. Not thread-safe: the owner holds its lock.
class MsiState {
 public:
  /// MSI disabled, everything else zero: the state after reset.
  explicit MsiState(const MsiLayout& layout) : layout_(layout) {}

  const MsiLayout& layout() const { return layout_; }
  bool enabled() const;
  unsigned connected_vectors() const { return static_cast<unsigned>(std::popcount(connected_)); }
  bool connected(std::uint16_t vector) const { return vector < 32 && (connected_ >> vector & 1) != 0; }

  /// `offset` counts from the capability's ID and the registers begin at 2; any length up to layout().size(). `pending` is asked only for
  /// vectors that are not connected.
  void read(std::uint16_t offset, std::span<std::uint8_t> data, const std::function<bool(std::uint16_t)>& pending) const;
  std::vector<MessageEffect> write(std::uint16_t offset, std::span<const std::uint8_t> data);

  /// Back to the state after reset; the effects disconnect and disable what was on.
  std::vector<MessageEffect> reset();

 private:
  static constexpr std::size_t kMaxSize = 24;

  std::uint16_t asked_vectors() const;
  std::uint32_t masks() const;
  MsiMessage message(std::uint16_t vector) const;
  std::uint8_t writable(std::size_t offset) const;
  std::uint8_t fixed(std::size_t offset) const;
  void settle(std::vector<MessageEffect>& effects);
  void disconnect(std::uint16_t vector, std::vector<MessageEffect>& effects);

  const MsiLayout layout_;
  std::array<std::uint8_t, kMaxSize> registers_{};  ///< what the guest wrote, as far as it may
  std::uint16_t allocated_ = 0;                     ///< vectors in use, 0 while MSI is disabled
  std::uint32_t connected_ = 0;
  std::array<MsiMessage, 32> routed_{};  ///< what the owner was last told
};

}  // namespace strait::pci
