#include "vfio/bar_layout.h"

#include <algorithm>

#include "base/units.h"

namespace strait::vfio {
namespace {

using Offset = decltype(Area::start);

Area between(std::uint64_t start, std::uint64_t end) { return {Offset(start), end - start}; }

/// Start and end of an area, cut to a BAR of `size` bytes; nothing where the area wraps or lies outside.
bool cut(const Area& area, std::uint64_t size, std::uint64_t& start, std::uint64_t& end) {
  start = area.start.value;
  if (start >= size || area.size == 0) return false;
  end = start + std::min(area.size, size - start);
  return true;
}

}  // namespace

BarLayout lay_out_bar(std::uint64_t size, std::span<const Area> mappable, std::span<const Area> structures) {
  const bool sub_page = size < kPageSize;
  const std::uint64_t pages = align_up(size, kPageSize) / kPageSize;

  // Boundaries of runs of pages; between two neighbours a page's fate does not change.
  std::vector<std::uint64_t> edges = {0, pages};
  std::vector<std::pair<std::uint64_t, std::uint64_t>> inside, excluded;
  std::uint64_t start = 0, end = 0;
  for (const Area& area : mappable) {
    if (!cut(area, size, start, end)) continue;
    const std::uint64_t first = align_up(start, kPageSize) / kPageSize;
    const std::uint64_t last = sub_page && start == 0 && end == size ? 1 : align_down(end, kPageSize) / kPageSize;
    if (first < last) inside.emplace_back(first, last);
  }
  for (const Area& area : structures) {
    if (cut(area, size, start, end)) excluded.emplace_back(start / kPageSize, align_up(end, kPageSize) / kPageSize);
  }
  for (const auto* list : {&inside, &excluded}) {
    for (const auto& [first, last] : *list) edges.insert(edges.end(), {first, last});
  }
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());

  BarLayout layout;
  const auto append = [](std::vector<Area>& areas, std::uint64_t from, std::uint64_t to) {
    if (!areas.empty() && areas.back().end().value == from) {
      areas.back().size += to - from;
    } else {
      areas.push_back(between(from, to));
    }
  };
  for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
    const std::uint64_t page = edges[i];
    const auto covers = [page](const auto& run) { return run.first <= page && page < run.second; };
    const bool direct = std::any_of(inside.begin(), inside.end(), covers) && std::none_of(excluded.begin(), excluded.end(), covers);
    if (direct) {
      append(layout.direct, page * kPageSize, edges[i + 1] * kPageSize);
    } else {
      append(layout.trapped, page * kPageSize, std::min(edges[i + 1] * kPageSize, size));
    }
  }
  return layout;
}

}  // namespace strait::vfio
