#pragma once

#include <bit>
#include <cstdint>

namespace strait {

inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;
inline constexpr std::uint64_t kPageSize = 4 * kKiB;
inline constexpr std::uint64_t kHugePageSize = 2 * kMiB;

/// Rounds to a multiple of `alignment`, a power of two. `align_up` wraps to 0 past the top of the type.
constexpr std::uint64_t align_down(std::uint64_t n, std::uint64_t alignment) { return n & ~(alignment - 1); }
constexpr std::uint64_t align_up(std::uint64_t n, std::uint64_t alignment) { return align_down(n + alignment - 1, alignment); }
constexpr bool is_aligned(std::uint64_t n, std::uint64_t alignment) { return (n & (alignment - 1)) == 0; }

}  // namespace strait
