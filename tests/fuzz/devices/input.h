#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <type_traits>

namespace strait::fuzz {

/// A fuzzer's input as a stream of numbers; zeros once it is used up.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}

  bool empty() const { return rest_.empty(); }
  template <typename T>
    requires std::is_trivially_copyable_v<T>
  T next() {
    T value{};
    const std::size_t length = std::min(sizeof value, rest_.size());
    if (length != 0) std::memcpy(&value, rest_.data(), length);
    rest_ = rest_.subspan(length);
    return value;
  }
  /// At most `count` bytes.
  std::span<const std::uint8_t> bytes(std::size_t count) {
    const auto taken = rest_.first(std::min(count, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

 private:
  std::span<const std::uint8_t> rest_;
};

/// Ends the run, which the fuzzer takes as a finding.
inline void require(bool condition, const char* claim) {
  if (condition) return;
  std::fprintf(stderr, "violated: %s\n", claim);
  std::abort();
}

}  // namespace strait::fuzz
