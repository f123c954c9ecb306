#pragma once

#include <cstdint>

#include "base/units.h"

namespace strait {

/// What the guest's memory is made of.
enum class HugePages {
  kOff,          ///< pages of 4 KiB
  kTransparent,  ///< private memory; the kernel is asked for pages of 2 MiB, and gives them where it has them
  k2M,           ///< shared memory from the pool that the host's administrator set apart (hugetlb), or nothing
  k1G,           ///< the same with pages of 1 GiB
};

/// From a pool that was set apart: these are there from the beginning, or not at all.
constexpr bool is_pooled(HugePages pages) { return pages == HugePages::k2M || pages == HugePages::k1G; }

/// Bytes in which memory comes: of what consists of pages of different sizes, the smallest.
constexpr std::uint64_t page_size(HugePages pages) {
  return pages == HugePages::k1G ? kGiB : pages == HugePages::k2M ? 2 * kMiB : kPageSize;
}

/// As --hugepages has it.
constexpr const char* name_of(HugePages pages) {
  switch (pages) {
    case HugePages::kOff: return "off";
    case HugePages::kTransparent: return "thp";
    case HugePages::k2M: return "2M";
    case HugePages::k1G: return "1G";
  }
  return "";
}

}  // namespace strait
