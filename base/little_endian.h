#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

namespace strait {

/// Guest-visible layouts are little-endian, and so is every host that strait runs on (x86-64): a load is a copy.
/// The caller has checked that `offset + sizeof(T)` lies within `bytes`.
template <typename T>
  requires std::is_trivially_copyable_v<T>
T load(std::span<const std::uint8_t> bytes, std::size_t offset = 0) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

template <typename T>
  requires std::is_trivially_copyable_v<T>
void store(std::span<std::uint8_t> bytes, std::size_t offset, const T& value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

/// A register access of 1 to 8 bytes as a number; shorter ones are zero-extended, longer ones cut to 8.
inline std::uint64_t load_access(std::span<const std::uint8_t> data) {
  std::uint64_t value = 0;
  std::memcpy(&value, data.data(), std::min<std::size_t>(data.size(), sizeof value));
  return value;
}

/// The answer to a register read: the low bytes of `value`, zeroes past its eighth.
inline void store_access(std::span<std::uint8_t> data, std::uint64_t value) {
  std::fill(data.begin(), data.end(), std::uint8_t{0});
  std::memcpy(data.data(), &value, std::min<std::size_t>(data.size(), sizeof value));
}

/// What a bus answers where nothing is.
inline void fill_ones(std::span<std::uint8_t> data) { std::fill(data.begin(), data.end(), std::uint8_t{0xff}); }

}  // namespace strait
