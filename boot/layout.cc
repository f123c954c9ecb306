#include "boot/layout.h"

#include <algorithm>

namespace strait::boot {
namespace {

/// A half-open interval that may end at 2^64 - 1 but never wraps: what ranges from outside are cut to.
struct Interval {
  std::uint64_t start;
  std::uint64_t end;
};

Interval saturated(const Range<Gpa>& range) {
  const std::uint64_t room = ~std::uint64_t{0} - range.start.value;
  return {range.start.value, range.start.value + std::min(range.size, room)};
}

/// Rounded outwards; stays within 64 bits.
Interval widened(const Range<Gpa>& range, std::uint64_t alignment) {
  const Interval cut = saturated(range);
  const std::uint64_t top = align_down(~std::uint64_t{0}, alignment);
  return {align_down(cut.start, alignment), cut.end > top ? ~std::uint64_t{0} : align_up(cut.end, alignment)};
}

std::vector<Interval> sorted_intervals(std::span<const Range<Gpa>> ranges, std::uint64_t alignment) {
  std::vector<Interval> intervals;
  for (const auto& range : ranges) {
    if (range.size > 0) intervals.push_back(widened(range, alignment));
  }
  std::ranges::sort(intervals, {}, &Interval::start);
  return intervals;
}

/// Calls `use(start, end)` for every stretch of [start, end) that no interval covers, ascending, until it returns false.
template <typename Use>
void for_each_gap(Interval within, std::span<const Interval> sorted, Use use) {
  std::uint64_t at = within.start;
  for (const Interval& taken : sorted) {
    if (taken.end <= at) continue;
    if (taken.start >= within.end) break;
    if (taken.start > at && !use(at, taken.start)) return;
    at = taken.end;
  }
  if (at < within.end) use(at, within.end);
}

}  // namespace

std::vector<Range<Gpa>> ram_ranges(std::uint64_t memory_size, std::span<const Range<Gpa>> reserved, std::uint64_t page_size) {
  std::vector<Range<Gpa>> ranges;
  const std::uint64_t low = std::min(memory_size, kLowRamEnd.value);
  if (low > 0) ranges.push_back({Gpa{0}, low});
  std::uint64_t left = memory_size - low;
  if (left == 0) return ranges;
  const auto taken = sorted_intervals(reserved, std::max(page_size, kHugePageSize));
  for_each_gap({kHighRamStart.value, ~std::uint64_t{0}}, taken, [&](std::uint64_t start, std::uint64_t end) {
    const std::uint64_t size = std::min(left, align_down(end - start, page_size));
    if (size > 0) ranges.push_back({Gpa{start}, size});
    left -= size;
    return left > 0;
  });
  return ranges;
}

std::vector<E820Entry> e820_map(std::span<const Range<Gpa>> ram) {
  std::vector<E820Entry> map;
  for (const auto& range : ram) {
    // RAM behind the first MiB's holes exists, but the guest is not told.
    const Range<Gpa> low{Gpa{0}, kLowMemoryEnd.value};
    if (range.start < low.end()) {
      const Gpa end = std::min(range.end(), low.end());
      map.push_back({{range.start, end - range.start}, E820Type::kRam});
    }
    const Gpa start = std::max(range.start, kKernelArea);
    if (range.end() > start) map.push_back({{start, range.end() - start}, E820Type::kRam});
  }
  const Gpa first_hole{0xa0000};
  map.push_back({{kLowMemoryEnd, first_hole - kLowMemoryEnd}, E820Type::kReserved});
  map.push_back({kAcpiTables, E820Type::kReserved});
  map.push_back({kEcam, E820Type::kReserved});
  map.push_back({{kKvmIdentityMap, 4 * kPageSize}, E820Type::kReserved});
  std::ranges::sort(map, {}, [](const E820Entry& entry) { return entry.range.start; });
  return map;
}

Range<Gpa> choose_mmio64(Gpa ram_end, unsigned physical_bits, std::span<const Range<Gpa>> allowed,
                         std::span<const Range<Gpa>> reserved) {
  const std::uint64_t space = std::uint64_t{1} << std::clamp(physical_bits, 32u, 52u);
  const std::uint64_t cap = space / 2;
  const std::uint64_t floor = std::max(ram_end, kHighRamStart).value;
  const auto taken = sorted_intervals(reserved, kPageSize);
  const Range<Gpa> everything{Gpa{0}, space};
  if (allowed.empty()) allowed = {&everything, 1};

  Range<Gpa> best;
  for (const auto& range : allowed) {
    const Interval cut = saturated(range);
    const Interval within{std::max(cut.start, floor), std::min(cut.end, space)};
    if (within.start >= within.end) continue;
    for_each_gap(within, taken, [&](std::uint64_t gap_start, std::uint64_t gap_end) {
      const std::uint64_t start = align_up(gap_start, kGiB);
      const std::uint64_t end = align_down(gap_end, kGiB);
      if (start >= end) return true;
      const std::uint64_t size = std::min(end - start, cap);
      if (size > best.size || (size == best.size && start < best.start.value)) best = {Gpa{start}, size};
      return true;
    });
  }
  return best;
}

}  // namespace strait::boot
