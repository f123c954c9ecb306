#include "base/guest_memory.h"

#include <linux/memfd.h>
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "base/error.h"
#include "base/prefault.h"
#include "base/unique_fd.h"
#include "base/units.h"

namespace strait {
namespace {

constexpr unsigned kMaxNodes = 1024;  // the most that Linux has
constexpr unsigned kBitsPerWord = 64;

std::uint64_t alignment_of(const Range<Gpa>& range) { return range.size >= kGiB ? kGiB : kHugePageSize; }

MappedRegion private_memory(const Range<Gpa>& range, HugePages pages) {
  MappedRegion host = MappedRegion::anonymous(range.size, alignment_of(range), range.start.value);
  ::madvise(host.data(), host.size(), pages == HugePages::kOff ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
  return host;
}

/// Mapping the file reserves the pages, which may fail, and touching them then does not. A file, so that others can be handed the memory.
MappedRegion from_pool(const Range<Gpa>& range, HugePages pages) {
  const unsigned size_flag = pages == HugePages::k1G ? MFD_HUGE_1GB : MFD_HUGE_2MB;
  const auto fail = [&](int code) {
    return Error::from_errno(code, fmt::format("reserving {} huge pages of {}", range.size / page_size(pages), name_of(pages)),
                             "see that so many are free (strait doctor), and that no cgroup limits them (hugetlb.*.rsvd.max)");
  };
  const UniqueFd file(::memfd_create("guest memory", MFD_CLOEXEC | MFD_HUGETLB | size_flag));
  if (!file || ::ftruncate(file.get(), static_cast<off_t>(range.size)) != 0) throw fail(errno);
  try {
    return MappedRegion::shared(file.get(), 0, range.size, PROT_READ | PROT_WRITE, alignment_of(range), range.start.value);
  } catch (const Error& error) {
    throw fail(error.code());
  }
}

}  // namespace

GuestMemory::GuestMemory(std::span<const Range<Gpa>> ranges, HugePages pages) : pages_(pages) {
  for (const auto& range : ranges) {
    MappedRegion host = is_pooled(pages) ? from_pool(range, pages) : private_memory(range, pages);
    // What the kernel does not know, it does not do, either.
    for (const int advice : {MADV_DONTFORK, MADV_DONTDUMP, MADV_UNMERGEABLE}) ::madvise(host.data(), host.size(), advice);
    regions_.push_back({range.start, std::move(host)});
  }
}

void GuestMemory::bind(unsigned node, bool strict) const {
  std::array<unsigned long, kMaxNodes / kBitsPerWord> nodes{};
  nodes.at(node / kBitsPerWord) = 1ul << (node % kBitsPerWord);
  for (const auto& region : regions_) {
    // The kernel counts one bit less than it is told.
    const long result = ::syscall(SYS_mbind, region.host.data(), region.host.size(), strict ? MPOL_BIND : MPOL_PREFERRED, nodes.data(), kMaxNodes + 1, 0);
    if (result != 0) throw Error::from_errno(errno, fmt::format("having the guest's memory on NUMA node {}", node), "give another --numa, or off");
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

void GuestMemory::prefault(unsigned threads, const std::function<bool()>& is_over) const {
  std::vector<std::span<std::uint8_t>> regions;
  for (const auto& region : regions_) regions.push_back(region.host.bytes());
  strait::prefault(regions, page_size(pages_), threads, is_over);
}

}  // namespace strait
