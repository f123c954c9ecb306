#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/types.h"

namespace strait::vfio {

/// The address space in which assigned devices do DMA. Any thread; calls are serialised inside.
class DmaSpace {
 public:
  virtual ~DmaSpace() = default;

  /// The addresses that can be mapped at all, ascending: what the IOMMU's width and its reserved regions (the MSI window
  /// among them) leave. Empty where the host does not tell.
  virtual std::vector<Range<Iova>> usable_ranges() const = 0;
  /// Pins `memory` and lets devices reach it at `start`. Throws Error.
  virtual void map(Iova start, std::span<std::uint8_t> memory) = 0;
  /// Takes a range away that was mapped as a whole.
  virtual void unmap(const Range<Iova>& range) = 0;

  struct Statistics {
    std::uint64_t map_calls = 0;
    std::uint64_t bytes = 0;
    std::uint64_t nanoseconds = 0;  ///< spent in map()
  };
  virtual Statistics statistics() const = 0;
};

}  // namespace strait::vfio
