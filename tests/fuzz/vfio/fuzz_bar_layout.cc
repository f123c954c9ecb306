// Any areas in any BAR: the layout has to tile the BAR, and no page may be direct that is not ours to map or that holds a
// structure.

#include "vfio/bar_layout.h"

#include <vector>

#include "base/units.h"
#include "tests/fuzz/devices/input.h"

namespace {

using strait::align_down;
using strait::align_up;
using strait::is_aligned;
using strait::kPageSize;
using strait::fuzz::Input;
using strait::fuzz::require;
using strait::vfio::Area;
using strait::vfio::BarLayout;

using Offset = decltype(Area::start);

/// Start and size are small multiples of something, or anything at all: both the common and the absurd are reached.
std::vector<Area> read_areas(Input& input) {
  std::vector<Area> areas(input.next<std::uint8_t>() % 5);
  for (Area& area : areas) {
    if (input.next<std::uint8_t>() % 4 == 0) {
      area = {Offset(input.next<std::uint64_t>()), input.next<std::uint64_t>()};
    } else {
      area = {Offset(input.next<std::uint16_t>() * 16u), input.next<std::uint16_t>() * 16u};
    }
  }
  return areas;
}

/// The areas' parts within a BAR of `size` bytes, as [start, end).
std::vector<std::pair<std::uint64_t, std::uint64_t>> parts(const std::vector<Area>& areas, std::uint64_t size) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> result;
  for (const Area& area : areas) {
    const std::uint64_t start = area.start.value;
    if (start < size && area.size != 0) result.emplace_back(start, start + std::min(area.size, size - start));
  }
  return result;
}

void check_tiles(const BarLayout& layout, std::uint64_t size) {
  std::vector<Area> all = layout.direct;
  all.insert(all.end(), layout.trapped.begin(), layout.trapped.end());
  std::sort(all.begin(), all.end(), [](const Area& a, const Area& b) { return a.start < b.start; });
  std::uint64_t at = 0;
  for (const Area& area : all) {
    require(area.size != 0 && area.start.value == at, "the areas follow one another without gap or overlap");
    at = area.end().value;
  }
  require(at == size || (size < kPageSize && at == kPageSize && layout.trapped.empty()), "the areas end where the BAR does");
  require(std::is_sorted(layout.direct.begin(), layout.direct.end(), [](auto& a, auto& b) { return a.start < b.start; }),
          "ascending");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t length) {
  Input input(data, length);
  const std::uint64_t size = 1ull << (4 + input.next<std::uint8_t>() % 37);
  const auto mappable = read_areas(input), structures = read_areas(input);
  const BarLayout layout = strait::vfio::lay_out_bar(size, mappable, structures);
  check_tiles(layout, size);

  for (const Area& area : layout.direct) {
    require(is_aligned(area.start.value, kPageSize) && is_aligned(area.size, kPageSize), "direct areas are whole pages");
    const std::uint64_t end = std::min(area.end().value, size);
    for (const auto& [start, stop] : parts(structures, size)) {
      require(stop <= area.start.value || align_down(start, kPageSize) >= end, "no structure lies in a direct page");
    }
    // Each of its pages lies in one of the mappable areas; where the areas are few, looking at the edges is enough.
    std::uint64_t at = area.start.value;
    while (at < end) {
      std::uint64_t reached = at;
      for (const auto& [start, stop] : parts(mappable, size)) {
        if (align_up(start, kPageSize) <= at && stop > at)
          reached = std::max(reached, stop == size ? end : align_down(stop, kPageSize));
      }
      require(reached > at, "every direct page may be mapped");
      at = reached;
    }
  }
  return 0;
}
