#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace strait::boot {

/// Names some bytes: 128 bits, little more than the speed of memory. Tells apart what differs by accident; it is no
/// cryptographic hash, so whoever relies on it must trust who wrote the bytes.
struct ContentKey {
  std::array<std::uint64_t, 2> value{};

  /// 32 hexadecimal digits.
  std::string hex() const;
  friend bool operator==(const ContentKey&, const ContentKey&) = default;
};

/// Four independent lanes of multiply and rotate, eight bytes each a step.
class ContentHash {
 public:
  /// All but the last call take a multiple of 32 bytes; the last may be of any size.
  void update(std::span<const std::uint8_t> bytes);
  ContentKey finish() const;

 private:
  std::array<std::uint64_t, 4> lanes_{0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89};
  std::uint64_t size_ = 0;
};

ContentKey hash_content(std::span<const std::uint8_t> bytes);

}  // namespace strait::boot
