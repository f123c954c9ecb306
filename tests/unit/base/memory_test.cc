// Mappings and guest memory: alignment, bounds, ownership.

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <atomic>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "base/guest_memory.h"
#include "base/mapped_region.h"
#include "base/prefault.h"
#include "base/syscall.h"
#include "base/units.h"
#include "tests/unit/error_of.h"

namespace strait {
namespace {

using test::error_of;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::uint64_t address(const MappedRegion& region) { return reinterpret_cast<std::uint64_t>(region.data()); }

bool is_mapped(const void* page) {
  unsigned char present = 0;
  return ::mincore(const_cast<void*>(page), kPageSize, &present) == 0;
}

TEST(MappedRegionTest, AnonymousMemoryIsZeroAndWritable) {
  const MappedRegion region = MappedRegion::anonymous(3 * kPageSize, kPageSize);
  EXPECT_EQ(region.size(), 3 * kPageSize);
  EXPECT_EQ(region.bytes()[3 * kPageSize - 1], 0);
  region.bytes()[0] = 1;
  EXPECT_TRUE(region);
}

TEST(MappedRegionTest, TheHostAddressHasTheAskedPhase) {
  const std::uint64_t kAlignments[] = {kPageSize, 64 * kKiB, kHugePageSize, kGiB};
  for (const std::uint64_t alignment : kAlignments) {
    const std::uint64_t half = align_down(alignment / 2, kPageSize);
    for (const std::uint64_t phase : {std::uint64_t{0}, kPageSize, half, alignment - kPageSize, 5 * kGiB + half}) {
      const MappedRegion region = MappedRegion::anonymous(2 * kPageSize, alignment, phase);
      EXPECT_EQ(address(region) % alignment, phase % alignment) << std::hex << alignment << " " << phase;
    }
  }
}

TEST(MappedRegionTest, ItGoesWithItsOwner) {
  std::uint8_t* data = nullptr;
  {
    const MappedRegion region = MappedRegion::anonymous(kPageSize, kPageSize);
    data = region.data();
    EXPECT_TRUE(is_mapped(data));
  }
  EXPECT_FALSE(is_mapped(data));
}

TEST(MappedRegionTest, MovingHandsItOver) {
  MappedRegion first = MappedRegion::anonymous(kPageSize, kPageSize);
  const std::uint8_t* data = first.data();
  MappedRegion second = std::move(first);
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): that is the point
  EXPECT_EQ(second.data(), data);
  MappedRegion third = MappedRegion::anonymous(kPageSize, kPageSize);
  third = std::move(second);
  EXPECT_EQ(third.data(), data);
}

TEST(MappedRegionTest, SharedMemoryIsTheFilesFromItsOffset) {
  const UniqueFd file(::memfd_create("test", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(file.get(), static_cast<off_t>(4 * kPageSize)), 0);
  const MappedRegion whole = MappedRegion::shared(file.get(), 0, 4 * kPageSize, PROT_READ | PROT_WRITE, kPageSize);
  const MappedRegion part = MappedRegion::shared(file.get(), 2 * kPageSize, kPageSize, PROT_READ, kHugePageSize, 2 * kPageSize);
  EXPECT_EQ(address(part) % kHugePageSize, 2 * kPageSize);
  whole.bytes()[2 * kPageSize + 5] = 42;
  EXPECT_EQ(part.bytes()[5], 42);
}

TEST(MappedRegionTest, FailuresAreErrorsThatSayWhat) {
  EXPECT_EQ(error_of([] { MappedRegion::anonymous(1ull << 60, kPageSize); }).find("reserving "), 0u);
  EXPECT_EQ(error_of([] { MappedRegion::shared(-1, 0, kPageSize, PROT_READ, kPageSize); }),
            "mapping 4096 bytes shared with the kernel: Bad file descriptor");
  EXPECT_EQ(error_of([] { MappedRegion::file(-1, kPageSize); }), "mapping 4096 bytes of a file: Bad file descriptor");
}

constexpr Range<Gpa> kRam[] = {{Gpa(0), 8 * kMiB}, {Gpa(4 * kGiB + 2 * kMiB), 4 * kMiB}};

TEST(GuestMemoryTest, RegionsAreWhereTheyWereAsked) {
  const GuestMemory memory(kRam);
  ASSERT_EQ(memory.regions().size(), 2u);
  EXPECT_EQ(memory.regions()[1].range(), kRam[1]);
  EXPECT_EQ(memory.size(), 12 * kMiB);
}

TEST(GuestMemoryTest, HostAndGuestAgreeModuloHugePages) {
  const Range<Gpa> ranges[] = {{Gpa(0), 8 * kMiB}, {Gpa(4 * kGiB + 3 * kPageSize), kMiB}, {Gpa(5 * kGiB), kGiB}};
  const GuestMemory memory(ranges);
  for (const auto& region : memory.regions()) EXPECT_EQ((address(region.host) - region.start.value) % kHugePageSize, 0u);
  EXPECT_EQ((address(memory.regions()[2].host) - 5 * kGiB) % kGiB, 0u) << "from 1 GiB on, the largest pages";
}

/// What the kernel says of the mapping at `data`, in /proc/self/smaps.
std::string mapping_flags(const void* data) {
  std::ifstream smaps("/proc/self/smaps");
  const std::string start = fmt::format("{:x}-", reinterpret_cast<std::uint64_t>(data));
  bool found = false;
  for (std::string line; std::getline(smaps, line);) {
    found = found || line.starts_with(start);
    if (found && line.starts_with("VmFlags:")) return line;
  }
  return "";
}

TEST(GuestMemoryTest, ItIsNotInDumpsNotInChildrenAndNotMerged) {
  for (const HugePages pages : {HugePages::kOff, HugePages::kTransparent}) {
    const GuestMemory memory(kRam, pages);
    for (const auto& region : memory.regions()) {
      const std::string flags = mapping_flags(region.host.data());
      EXPECT_THAT(flags, AllOf(HasSubstr(" dd"), HasSubstr(" dc"), Not(HasSubstr(" mg"))));
      EXPECT_THAT(flags, HasSubstr(pages == HugePages::kOff ? " nh" : " hg")) << "huge pages are asked for, or refused";
    }
  }
}

TEST(GuestMemoryTest, PagesFromThePoolAreReservedOrRefused) {
  const Range<Gpa> much[] = {{Gpa(0), 64 * kMiB}, {Gpa(4 * kGiB), 1024 * kGiB}};
  EXPECT_THAT(error_of([&] { GuestMemory(much, HugePages::k2M); }),
              AllOf(HasSubstr("huge pages of 2M: "), HasSubstr("strait doctor"), HasSubstr("hugetlb.*.rsvd.max")));
}

TEST(GuestMemoryTest, PagesFromThePoolAreShared) {
  std::optional<GuestMemory> memory;
  try {
    memory.emplace(kRam, HugePages::k2M);
  } catch (const Error&) {
    GTEST_SKIP() << "this host has no 6 huge pages of 2 MiB that are free";
  }
  for (const auto& region : memory->regions()) {
    EXPECT_THAT(mapping_flags(region.host.data()), AllOf(HasSubstr(" ht"), HasSubstr(" sh"), HasSubstr(" dd"), HasSubstr(" dc")));
    EXPECT_EQ((address(region.host) - region.start.value) % kHugePageSize, 0u);
  }
  memory->write_object(Gpa(4 * kGiB + 2 * kMiB), std::uint8_t{7});
}

TEST(GuestMemoryTest, ItComesFromANodeOfTheHost) {
  const GuestMemory memory(kRam);
  EXPECT_NO_THROW(memory.bind(0, true));
  EXPECT_NO_THROW(memory.bind(0, false));
  EXPECT_THAT(error_of([&] { memory.bind(1023, true); }), testing::StartsWith("having the guest's memory on NUMA node 1023: "));
  memory.prefault(1);
}

TEST(GuestMemoryTest, ASliceLiesWhollyInOneRegion) {
  const GuestMemory memory(kRam);
  EXPECT_TRUE(memory.slice(Gpa(0), 8 * kMiB));
  EXPECT_TRUE(memory.slice(Gpa(8 * kMiB - 1), 1));
  EXPECT_TRUE(memory.slice(Gpa(8 * kMiB), 0)) << "nothing at the end";
  EXPECT_FALSE(memory.slice(Gpa(8 * kMiB - 1), 2));
  EXPECT_FALSE(memory.slice(Gpa(8 * kMiB + 1), 0));
  EXPECT_FALSE(memory.slice(Gpa(4 * kGiB), 1));
  EXPECT_TRUE(memory.slice(Gpa(4 * kGiB + 2 * kMiB), 4 * kMiB));
  EXPECT_FALSE(memory.slice(Gpa(0), ~0ull));
  EXPECT_FALSE(memory.slice(Gpa(~0ull), 1));
  EXPECT_FALSE(memory.slice(Gpa(4 * kGiB + 2 * kMiB + 1), 4 * kMiB));
  const auto middle = memory.slice(Gpa(0x1234), 16);
  EXPECT_EQ(middle->data(), memory.regions()[0].host.data() + 0x1234);
}

TEST(GuestMemoryTest, WritesArriveOrThrow) {
  const GuestMemory memory(kRam);
  memory.write_object(Gpa(0x1000), std::uint32_t{0x11223344});
  EXPECT_EQ((*memory.slice(Gpa(0x1000), 4))[0], 0x44);
  EXPECT_THROW(memory.write_object(Gpa(8 * kMiB - 2), std::uint32_t{0}), Error);
}

TEST(GuestMemoryTest, PrefaultingMakesEveryPagePresentAndLeavesItZero) {
  const GuestMemory memory(kRam);
  memory.prefault(3);
  std::vector<unsigned char> present(8 * kMiB / kPageSize);
  ASSERT_EQ(::mincore(memory.regions()[0].host.data(), 8 * kMiB, present.data()), 0);
  for (const unsigned char page : present) ASSERT_TRUE(page & 1);
  EXPECT_EQ((*memory.slice(Gpa(5 * kMiB), 1))[0], 0);
}

TEST(Prefault, TouchingMakesPagesPresentAndChangesNothing) {
  const MappedRegion region = MappedRegion::anonymous(16 * kPageSize, kPageSize);
  ::madvise(region.data(), region.size(), MADV_NOHUGEPAGE);
  region.bytes()[3 * kPageSize] = 42;
  touch_pages(region.bytes(), kPageSize);
  std::vector<unsigned char> present(16);
  ASSERT_EQ(::mincore(region.data(), region.size(), present.data()), 0);
  for (const unsigned char page : present) EXPECT_TRUE(page & 1);
  EXPECT_EQ(region.bytes()[3 * kPageSize], 42);
}

TEST(Prefault, MemoryThatCannotBeHadIsAnError) {
  const MappedRegion region = MappedRegion::anonymous(16 * kPageSize, kPageSize);
  ASSERT_EQ(::munmap(region.data() + 8 * kPageSize, kPageSize), 0);
  const std::span<std::uint8_t> regions[] = {region.bytes()};
  EXPECT_THAT(error_of([&] { prefault(regions, kPageSize, 1, [] { return false; }); }), testing::StartsWith("making the guest's memory present: "));
}

/// Behind the end of a file nothing is to be had, as with a pool's page that others took: the kernel says EFAULT to both.
TEST(Prefault, APoolsPageThatIsMissingIsSaidToBe) {
  const UniqueFd file(::memfd_create("short", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(file.get(), 2 * kMiB), 0);
  const MappedRegion region = MappedRegion::shared(file.get(), 0, 4 * kMiB, PROT_READ | PROT_WRITE, 2 * kMiB);
  const std::span<std::uint8_t> regions[] = {region.bytes()};
  EXPECT_THAT(error_of([&] { prefault(regions, 2 * kMiB, 1, [] { return false; }); }),
              testing::StartsWith("making the guest's memory present: no huge page is free on its NUMA node, or a cgroup does not allow it; "));
}

TEST(GuestMemoryTest, PrefaultingStopsWhenAsked) {
  const GuestMemory memory(kRam);
  std::atomic<int> asked = 0;
  memory.prefault(2, [&asked] { return ++asked > 1; });
  std::vector<unsigned char> present(4 * kMiB / kPageSize);
  ASSERT_EQ(::mincore(memory.regions()[1].host.data(), 4 * kMiB, present.data()), 0);
  EXPECT_FALSE(present.back() & 1) << "that is the last of three chunks";
}

}  // namespace
}  // namespace strait
