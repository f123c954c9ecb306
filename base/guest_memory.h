#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/huge_pages.h"
#include "base/mapped_region.h"
#include "base/types.h"

namespace strait {

/// The guest's RAM: a few contiguous regions of guest-physical addresses, each backed by one host mapping whose address
/// agrees with the guest's modulo 2 MiB (1 GiB from that size on), so that nested page tables and the IOMMU can use the largest pages.
///
/// Fixed after construction; any thread may use it. The guest writes the same bytes at the same time: whoever reads
/// them copies first and checks the copy.
class GuestMemory {
 public:
  struct Region {
    Gpa start;
    MappedRegion host;

    Range<Gpa> range() const { return {start, host.size()}; }
  };

  /// Allocates memory for each range (aligned to page_size(pages), ascending, not overlapping): not copied into children, not dumped, never
  /// merged with other processes' (KSM). Nothing is touched yet; but pages from a pool are reserved, so that touching one cannot fail,
  /// unless bind() is strict: a reservation knows no node.
  /// Throws Error.
  explicit GuestMemory(std::span<const Range<Gpa>> ranges, HugePages pages = HugePages::kTransparent);

  /// Has the pages that are not there yet come from NUMA node `node` of the host; from others only if it has none left, and not even then if
  /// `strict`. Throws Error.
  void bind(unsigned node, bool strict) const;

  const std::vector<Region>& regions() const { return regions_; }
  /// Bytes of RAM in all regions.
  std::uint64_t size() const;

  /// The host bytes behind [start, start + size), or nothing where this is not wholly inside one region.
  std::optional<std::span<std::uint8_t>> slice(Gpa start, std::uint64_t size) const;

  /// Copies into the guest. Throws Error when the range is not RAM: for set-up code only.
  void write(Gpa start, std::span<const std::uint8_t> bytes) const;
  template <typename T>
  void write_object(Gpa start, const T& object) const {
    write(start, {reinterpret_cast<const std::uint8_t*>(&object), sizeof object});
  }

  /// Makes every page present, zeroed by the kernel, with up to `threads` threads at once (at least 1), until `is_over` says so. Throws Error.
  void prefault(unsigned threads, const std::function<bool()>& is_over = [] { return false; }) const;

 private:
  HugePages pages_;
  std::vector<Region> regions_;
};

}  // namespace strait
