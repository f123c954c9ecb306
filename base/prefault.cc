#include "base/prefault.h"

#include <linux/mman.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <system_error>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/held_signals.h"
#include "base/units.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23  // Linux 5.14
#endif

namespace strait {
namespace {

/// One thread's share at a time: large enough to amortise the call; small, because the call holds the address space's lock, and another
/// thread that maps something waits for its end.
constexpr std::uint64_t kChunk = 4 * kMiB;

std::vector<std::span<std::uint8_t>> chunks_of(std::span<const std::span<std::uint8_t>> regions, std::uint64_t size) {
  std::vector<std::span<std::uint8_t>> chunks;
  for (const auto& region : regions) {
    for (std::uint64_t at = 0; at < region.size(); at += size) chunks.push_back(region.subspan(at, std::min(size, region.size() - at)));
  }
  return chunks;
}

/// 0 or the errno.
int populate(std::span<std::uint8_t> memory, std::uint64_t page_size) {
  while (::madvise(memory.data(), memory.size(), MADV_POPULATE_WRITE) != 0) {
    if (errno == EINTR || errno == EAGAIN) continue;
    if (errno != EINVAL) return errno;
    touch_pages(memory, page_size);
    break;
  }
  return 0;
}

}  // namespace

void touch_pages(std::span<std::uint8_t> memory, std::uint64_t page_size) {
  for (std::uint64_t at = 0; at < memory.size(); at += page_size) {
    // A write that changes nothing, whoever else writes at this moment.
    std::atomic_ref<std::uint8_t> byte(memory[at]);
    std::uint8_t value = byte.load(std::memory_order_relaxed);
    byte.compare_exchange_strong(value, value, std::memory_order_relaxed);
  }
}

void prefault(std::span<const std::span<std::uint8_t>> regions, std::uint64_t page_size, unsigned threads, const std::function<bool()>& is_over) {
  const std::vector<std::span<std::uint8_t>> chunks = chunks_of(regions, std::max(page_size, kChunk));
  std::atomic<std::size_t> next = 0;
  std::atomic<int> failure = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < chunks.size() && failure == 0 && !is_over(); i = next++) {
      if (const int code = populate(chunks[i], page_size); code != 0) failure = code;
    }
  };
  {
    std::vector<std::jthread> helpers;
    try {
      for (unsigned i = 1; i < threads && i < chunks.size(); ++i) {
        helpers.emplace_back([&work] {
          block_all_signals();
          work();
        });
      }
    } catch (const std::system_error&) {
      // No more threads to be had: those there are do it.
    }
    work();
  }
  // A pool's page that is not there, though it was reserved: a reservation is on no node, and no cgroup's.
  if (failure == EFAULT && page_size > kPageSize) {
    throw Error("making the guest's memory present: no huge page is free on its NUMA node, or a cgroup does not allow it",
                "see /sys/devices/system/node/node*/hugepages and hugetlb.*.max, and set more apart there");
  }
  if (failure != 0) {
    throw Error::from_errno(failure, "making the guest's memory present", "free memory, give a smaller --memory, or see what the cgroup allows");
  }
}

}  // namespace strait
