#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace strait::pci {

/// One entry of a capability list as it stands in a function's configuration space.
struct Capability {
  std::uint16_t id = 0;
  std::uint16_t offset = 0;
  /// Bytes that belong to it as far as its own layout tells; at least 2 (standard) or 4 (extended).
  std::uint16_t size = 0;
  /// Extended capabilities only; 0 for standard ones.
  std::uint8_t version = 0;

  friend bool operator==(const Capability&, const Capability&) = default;
};

/// The standard list (PCI 3.0 6.7), in list order. Bounded: a pointer into the header, past the end, or to a place already
/// visited ends the walk, and `problem`, where given, says what was wrong. `config` is 256 or 4096 bytes. Pure.
std::vector<Capability> walk_capabilities(std::span<const std::uint8_t> config, std::string* problem = nullptr);

/// The extended list (PCIe 7.6.3), in list order, with the same bounds; empty where `config` is 256 bytes. Pure.
std::vector<Capability> walk_extended_capabilities(std::span<const std::uint8_t> config, std::string* problem = nullptr);

/// Hides every extended capability that `hidden` names: the predecessor's next pointer skips it; at 0x100, where there is no
/// predecessor, its ID becomes the null capability 0 with its next pointer kept. Works on a 4096-byte copy. Pure.
void hide_extended_capabilities(std::span<std::uint8_t> config, const std::function<bool(std::uint16_t id)>& hidden);

}  // namespace strait::pci
