#pragma once

#include <map>

#include "base/error.h"
#include "vfio/dma_space.h"

namespace strait::test {

/// A DMA space that only remembers, and refuses overlaps as the kernel does.
class FakeDmaSpace : public vfio::DmaSpace {
 public:
  std::vector<Range<Iova>> usable_ranges() const override { return {}; }
  void map(Iova start, std::span<std::uint8_t> memory) override {
    const Range<Iova> range{start, memory.size()};
    for (const auto& [other, host] : mapped) {
      if (Range<Iova>{other, host.size()}.overlaps(range)) throw Error("that is mapped already");
    }
    mapped[start] = memory;
  }
  void unmap(const Range<Iova>& range) override {
    if (const auto found = mapped.find(range.start); found != mapped.end() && found->second.size() == range.size) mapped.erase(found);
  }
  Statistics statistics() const override { return {}; }

  std::map<Iova, std::span<std::uint8_t>> mapped;
};

}  // namespace strait::test
