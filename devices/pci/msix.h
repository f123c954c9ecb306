#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "devices/pci/message_effect.h"

namespace strait::pci {

/// Where a function's MSI-X structures lie (PCI 3.0 6.8.2), read from its capability.
struct MsixLayout {
  std::uint16_t vectors = 0;  ///< 1 to 2048
  std::uint8_t table_bar = 0;
  std::uint32_t table_offset = 0;
  std::uint8_t pba_bar = 0;
  std::uint32_t pba_offset = 0;

  std::uint32_t table_size() const { return vectors * 16u; }
  /// Whole quadwords: one bit a vector, rounded up to 64.
  std::uint32_t pba_size() const { return (vectors + 63u) / 64u * 8u; }
};

/// The guest's view of one function's MSI-X table, control word and PBA (PCI 3.0 6.8.2). A pure object: a write goes in, a
/// list of effects comes out, the owner does the system calls. A vector is connected while MSI-X is enabled, the function
/// mask clear and the vector's own mask clear. Not thread-safe: the owner holds its lock.
class MsixState {
 public:
  static constexpr std::uint16_t kControlEnable = 0x8000;
  static constexpr std::uint16_t kControlFunctionMask = 0x4000;

  /// `vectors` is 1 to 2048; all masked, MSI-X disabled: the state after reset.
  explicit MsixState(std::uint16_t vectors);

  std::uint16_t vectors() const;
  bool enabled() const;
  bool connected(std::uint16_t vector) const;
  bool function_masked() const { return function_masked_; }
  /// Vectors whose own mask bit is clear, and those that are connected.
  unsigned unmasked_vectors() const;
  unsigned connected_vectors() const;

  /// Message control as the guest reads it: table size minus one, function mask, enable.
  std::uint16_t control() const;
  /// The guest's write of message control (already merged to a whole word); read-only bits are ignored.
  std::vector<MessageEffect> write_control(std::uint16_t value);

  /// Table accesses of any length and alignment within the table; writes that are not whole aligned dwords or quadwords are
  /// undefined by the specification: they are merged byte by byte. Bits 1:0 of an address read as zero, reserved bits of
  /// vector control likewise.
  void read_table(std::uint32_t offset, std::span<std::uint8_t> data) const;
  std::vector<MessageEffect> write_table(std::uint32_t offset, std::span<const std::uint8_t> data);

  /// PBA reads of any length and alignment; `pending` is asked only for vectors that are not connected. Bits past the last vector
  /// are 0. (Writes to the PBA are undefined; the owner drops them.)
  void read_pba(std::uint32_t offset, std::span<std::uint8_t> data, const std::function<bool(std::uint16_t)>& pending) const;

  /// Back to the state after reset; the effects disconnect and disable what was on.
  std::vector<MessageEffect> reset();

 private:
  struct Entry {
    std::array<std::uint8_t, 16> registers{};  ///< as the guest reads them
    bool connected = false;
    MsiMessage routed = {};  ///< what the owner was last told

    Entry();
    MsiMessage message() const;
    bool masked() const;
  };
  /// Compares what should be connected with what is, and appends the difference.
  void settle(std::uint16_t vector, std::vector<MessageEffect>& effects);

  std::vector<Entry> entries_;
  bool enabled_ = false;
  bool function_masked_ = false;
};

}  // namespace strait::pci
