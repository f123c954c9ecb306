#include "base/guest_memory.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>

#include "base/error.h"
#include "base/units.h"

namespace strait {
namespace {

/// One thread's share at a time: large enough to amortise the call; small, because the call holds the address space's lock, and another
/// thread that maps something waits for its end.
constexpr std::uint64_t kPrefaultChunk = 4 * kMiB;

}  // namespace

GuestMemory::GuestMemory(std::span<const Range<Gpa>> ranges) {
  for (const auto& range : ranges) {
    const std::uint64_t alignment = range.size >= kGiB ? kGiB : kHugePageSize;
    MappedRegion host = MappedRegion::anonymous(range.size, alignment, range.start.value);
    ::madvise(host.data(), host.size(), MADV_HUGEPAGE);
    ::madvise(host.data(), host.size(), MADV_DONTFORK);
    ::madvise(host.data(), host.size(), MADV_DONTDUMP);
    regions_.push_back({range.start, std::move(host)});
  }
}

std::uint64_t GuestMemory::size() const {
  std::uint64_t total = 0;
  for (const auto& region : regions_) total += region.host.size();
  return total;
}

std::optional<std::span<std::uint8_t>> GuestMemory::slice(Gpa start, std::uint64_t size) const {
  for (const auto& region : regions_) {
    if (region.range().contains(Range<Gpa>{start, size})) return region.host.bytes().subspan(start - region.start, size);
  }
  return std::nullopt;
}

void GuestMemory::write(Gpa start, std::span<const std::uint8_t> bytes) const {
  const auto target = slice(start, bytes.size());
  if (!target) throw Error("writing to guest memory: the range is not RAM");
  std::copy(bytes.begin(), bytes.end(), target->begin());
}

void GuestMemory::prefault(unsigned threads, std::stop_token stop) const {
  std::vector<std::span<std::uint8_t>> chunks;
  for (const auto& region : regions_) {
    for (std::uint64_t at = 0; at < region.host.size(); at += kPrefaultChunk) {
      chunks.push_back(region.host.bytes().subspan(at, std::min(kPrefaultChunk, region.host.size() - at)));
    }
  }
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < chunks.size() && !stop.stop_requested(); i = next++) {
      ::madvise(chunks[i].data(), chunks[i].size(), MADV_POPULATE_WRITE);
    }
  };
  std::vector<std::jthread> helpers;
  try {
    for (unsigned i = 1; i < threads && i < chunks.size(); ++i) helpers.emplace_back(work);
  } catch (const std::system_error&) {
    // No more threads to be had: those there are do it.
  }
  work();
}

}  // namespace strait
