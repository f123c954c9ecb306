#include "boot/content_hash.h"

#include <bit>
#include <cstring>

#include <fmt/format.h>

#include "base/little_endian.h"

namespace strait::boot {
namespace {

constexpr std::size_t kStep = 32;

/// Odd, so that a step is a bijection of the lane for every input word: no input makes a lane forget what came before.
constexpr std::array<std::uint64_t, 4> kMultipliers{0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb,
                                                    0xd6e8feb86659fd93};

std::uint64_t step(std::uint64_t lane, std::uint64_t word, std::uint64_t multiplier) {
  return std::rotl((lane ^ word) * multiplier, 29);
}

/// Every bit of the result depends on every bit of `n`.
std::uint64_t avalanche(std::uint64_t n) {
  n = (n ^ (n >> 32)) * kMultipliers[3];
  n = (n ^ (n >> 29)) * kMultipliers[0];
  return n ^ (n >> 32);
}

}  // namespace

std::string ContentKey::hex() const { return fmt::format("{:016x}{:016x}", value[0], value[1]); }

void ContentHash::update(std::span<const std::uint8_t> bytes) {
  auto lanes = lanes_;
  std::size_t at = 0;
  for (; bytes.size() - at >= kStep; at += kStep) {
    for (std::size_t i = 0; i < lanes.size(); ++i) {
      lanes[i] = step(lanes[i], load<std::uint64_t>(bytes, at + i * 8), kMultipliers[i]);
    }
  }
  if (at < bytes.size()) {
    std::array<std::uint8_t, kStep> tail{};
    std::memcpy(tail.data(), bytes.data() + at, bytes.size() - at);
    for (std::size_t i = 0; i < lanes.size(); ++i) {
      lanes[i] = step(lanes[i], load<std::uint64_t>(tail, i * 8), kMultipliers[i]);
    }
  }
  lanes_ = lanes;
  size_ += bytes.size();
}

ContentKey ContentHash::finish() const {
  ContentKey key{{size_, ~size_}};
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    key.value[0] = avalanche(key.value[0] + lanes_[i]);
    key.value[1] = avalanche(key.value[1] ^ std::rotl(lanes_[i], 17) ^ kMultipliers[i]);
  }
  return key;
}

ContentKey hash_content(std::span<const std::uint8_t> bytes) {
  ContentHash hash;
  hash.update(bytes);
  return hash.finish();
}

}  // namespace strait::boot
