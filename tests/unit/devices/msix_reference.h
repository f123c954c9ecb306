#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "devices/pci/msix.h"

namespace strait::pci::test {

/// An owner of an MsixState that carries out effects on paper and refuses what no device could do: connecting while disabled,
/// disconnecting what is not connected, and so on. `error` keeps the first complaint.
class PaperDevice {
 public:
  void apply(const std::vector<MessageEffect>& effects) {
    for (const MessageEffect& effect : effects) apply(effect);
  }

  bool enabled = false;
  std::map<std::uint16_t, MsiMessage> connected;
  std::string error;

 private:
  void apply(const MessageEffect& effect) {
    const auto place = connected.find(effect.vector);
    const bool is_connected = place != connected.end();
    switch (effect.kind) {
      case MessageEffect::Kind::kEnable:
        require(!enabled && connected.empty(), "enabled twice");
        enabled = true;
        break;
      case MessageEffect::Kind::kDisable:
        require(enabled, "disabled twice");
        require(connected.empty(), "disabled with vectors connected");
        enabled = false;
        break;
      case MessageEffect::Kind::kConnect:
        require(enabled && !is_connected, "connected twice, or while disabled");
        connected[effect.vector] = effect.message;
        break;
      case MessageEffect::Kind::kReroute:
        require(is_connected && place->second != effect.message, "rerouted without need");
        connected[effect.vector] = effect.message;
        break;
      case MessageEffect::Kind::kDisconnect:
        require(is_connected, "disconnected twice");
        connected.erase(effect.vector);
        break;
    }
  }
  void require(bool condition, const char* complaint) {
    if (!condition && error.empty()) error = complaint;
  }
};

/// MSI-X as PCI 3.0 6.8.2 describes it, in the simplest way there is: a table of bytes, two flags, and nothing remembered.
class MsixReference {
 public:
  explicit MsixReference(std::uint16_t vectors) : table_(vectors * std::size_t{16}) { reset(); }

  void write_control(std::uint16_t value) { control_ = value & 0xc000; }
  void write_table(std::size_t offset, std::span<const std::uint8_t> data) {
    for (const std::uint8_t byte : data) {
      if (offset < table_.size()) table_[offset] = byte & writable(offset);
      ++offset;
    }
  }
  void reset() {
    control_ = 0;
    for (std::size_t i = 0; i < table_.size(); ++i) table_[i] = i % 16 == 12 ? 1 : 0;
  }

  std::uint16_t control() const { return static_cast<std::uint16_t>(control_ | (vectors() - 1)); }
  const std::vector<std::uint8_t>& table() const { return table_; }
  std::size_t vectors() const { return table_.size() / 16; }
  bool enabled() const { return (control_ & 0x8000) != 0; }
  /// The message that a vector would send now; nothing where it is masked in any way.
  std::optional<MsiMessage> live(std::uint16_t vector) const {
    if (control_ != 0x8000 || table_[vector * 16u + 12] != 0) return std::nullopt;
    MsiMessage message;
    for (unsigned i = 0; i < 8; ++i) message.address |= std::uint64_t{table_[vector * 16u + i]} << i * 8;
    for (unsigned i = 0; i < 4; ++i) message.data |= std::uint32_t{table_[vector * 16u + 8 + i]} << i * 8;
    return message;
  }
  std::map<std::uint16_t, MsiMessage> all_live() const {
    std::map<std::uint16_t, MsiMessage> result;
    for (std::uint16_t vector = 0; vector < vectors(); ++vector) {
      if (const auto message = live(vector)) result[vector] = *message;
    }
    return result;
  }
  /// The PBA for a device where each vector of `pending` has fired while it could not be delivered.
  std::vector<std::uint8_t> pba(const std::vector<bool>& pending) const {
    std::vector<std::uint8_t> bytes((vectors() + 63) / 64 * 8);
    for (std::uint16_t vector = 0; vector < vectors(); ++vector) {
      if (pending[vector] && !live(vector)) bytes[vector / 8] |= static_cast<std::uint8_t>(1 << vector % 8);
    }
    return bytes;
  }

 private:
  static std::uint8_t writable(std::size_t offset) {
    const std::size_t within = offset % 16;
    if (within == 0) return 0xfc;
    if (within == 12) return 0x01;
    return within > 12 ? 0 : 0xff;
  }

  std::uint16_t control_ = 0;
  std::vector<std::uint8_t> table_;
};

}  // namespace strait::pci::test
