#include "boot/layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strait::boot {
namespace {

using testing::ElementsAre;

using Ranges = std::vector<Range<Gpa>>;

Range<Gpa> range(std::uint64_t start, std::uint64_t size) { return {Gpa{start}, size}; }

/// AMD's HyperTransport hole just below 1 TiB, and the MSI window: what an IOMMU reserves on real machines.
const Range<Gpa> kHyperTransport = range(0xfd00000000, 0x300000000);
const Range<Gpa> kMsiWindow = range(0xfee00000, 0x100000);

TEST(RamRanges, SmallMemoryIsOneRange) { EXPECT_THAT(ram_ranges(512 * kMiB, {}), ElementsAre(range(0, 512 * kMiB))); }

TEST(RamRanges, ThreeGibibytesFitBelowTheHole) { EXPECT_THAT(ram_ranges(3 * kGiB, {}), ElementsAre(range(0, 3 * kGiB))); }

TEST(RamRanges, TheRestStartsAtFourGibibytes) {
  EXPECT_THAT(ram_ranges(3 * kGiB + kPageSize, {}), ElementsAre(range(0, 3 * kGiB), range(4 * kGiB, kPageSize)));
}

TEST(RamRanges, TheMsiWindowBelowFourGibibytesMovesNothing) {
  const Ranges reserved{kMsiWindow};
  EXPECT_THAT(ram_ranges(8 * kGiB, reserved), ElementsAre(range(0, 3 * kGiB), range(4 * kGiB, 5 * kGiB)));
}

TEST(RamRanges, HighMemoryGoesAroundTheHyperTransportHole) {
  const Ranges reserved{kMsiWindow, kHyperTransport};
  const std::uint64_t size = 1100 * kGiB;
  const auto ranges = ram_ranges(size, reserved);
  ASSERT_EQ(ranges.size(), 3u);
  EXPECT_EQ(ranges[1], range(4 * kGiB, 0xfd00000000 - 4 * kGiB));
  EXPECT_EQ(ranges[2].start, kHyperTransport.end());
  EXPECT_EQ(ranges[0].size + ranges[1].size + ranges[2].size, size);
}

TEST(RamRanges, ReservedRangesMayOverlapAndComeInAnyOrder) {
  const Ranges reserved{range(6 * kGiB, kGiB), range(5 * kGiB, 2 * kGiB), range(5 * kGiB, 0)};
  EXPECT_THAT(ram_ranges(5 * kGiB, reserved), ElementsAre(range(0, 3 * kGiB), range(4 * kGiB, kGiB), range(7 * kGiB, kGiB)));
}

TEST(RamRanges, ReservedRangesAreWidenedToHugePages) {
  const Ranges reserved{range(5 * kGiB + 1, 1)};
  const auto ranges = ram_ranges(6 * kGiB, reserved);
  EXPECT_THAT(ranges, ElementsAre(range(0, 3 * kGiB), range(4 * kGiB, kGiB), range(5 * kGiB + 2 * kMiB, 2 * kGiB)));
}

TEST(RamRanges, MemoryOfLargePagesIsInWholePages) {
  const Ranges reserved{kMsiWindow, kHyperTransport, range(6 * kGiB + kMiB, kMiB)};
  for (const std::uint64_t page : {2 * kMiB, kGiB}) {
    for (const std::uint64_t size : {kGiB, 3 * kGiB, 4 * kGiB, 16 * kGiB, 512 * kGiB, 1100 * kGiB}) {
      std::uint64_t total = 0;
      for (const Range<Gpa>& ram : ram_ranges(size, reserved, page)) {
        EXPECT_TRUE(is_aligned(ram.start.value, page) && is_aligned(ram.size, page)) << std::hex << ram.start.value << " " << ram.size;
        total += ram.size;
      }
      EXPECT_EQ(total, size);
    }
  }
  EXPECT_THAT(ram_ranges(8 * kGiB, reserved, kGiB), ElementsAre(range(0, 3 * kGiB), range(4 * kGiB, 2 * kGiB), range(7 * kGiB, 3 * kGiB)));
}

TEST(RamRanges, AReservedRangeThatWouldWrapEndsTheAddressSpace) {
  const Ranges reserved{range(5 * kGiB, ~std::uint64_t{0})};
  EXPECT_THAT(ram_ranges(8 * kGiB, reserved), ElementsAre(range(0, 3 * kGiB), range(4 * kGiB, kGiB)));
}

TEST(E820Map, HasTheHolesOfAPc) {
  const Ranges ram{range(0, 3 * kGiB), range(4 * kGiB, kGiB)};
  const auto map = e820_map(ram);
  EXPECT_THAT(map, ElementsAre(E820Entry{range(0, 0x9fc00), E820Type::kRam},
                               E820Entry{range(0x9fc00, 0x400), E820Type::kReserved},
                               E820Entry{range(0xe0000, 0x20000), E820Type::kReserved},
                               E820Entry{range(0x100000, 3 * kGiB - kMiB), E820Type::kRam},
                               E820Entry{range(0xe0000000, kMiB), E820Type::kReserved},
                               E820Entry{range(0xfffbc000, 0x4000), E820Type::kReserved},
                               E820Entry{range(4 * kGiB, kGiB), E820Type::kRam}));
}

TEST(E820Map, IsSortedAndDoesNotOverlap) {
  const auto map = e820_map(ram_ranges(2000 * kGiB, Ranges{kHyperTransport}));
  for (std::size_t i = 1; i < map.size(); ++i) EXPECT_LE(map[i - 1].range.end(), map[i].range.start);
}

TEST(ChooseMmio64, TakesHalfTheSpaceAboveRam) {
  EXPECT_EQ(choose_mmio64(Gpa{4 * kGiB}, 40, {}, {}), range(4 * kGiB, 512 * kGiB));
}

TEST(ChooseMmio64, StartsAtFourGibibytesWhereRamEndsBelow) {
  EXPECT_EQ(choose_mmio64(Gpa{512 * kMiB}, 39, {}, {}), range(4 * kGiB, 256 * kGiB));
}

TEST(ChooseMmio64, IsAlignedToOneGibibyte) {
  const auto window = choose_mmio64(Gpa{5 * kGiB + kPageSize}, 36, {}, {});
  EXPECT_EQ(window, range(6 * kGiB, 32 * kGiB));
}

TEST(ChooseMmio64, IsWhatIsLeftWhereRamTakesMost) {
  EXPECT_EQ(choose_mmio64(Gpa{60 * kGiB + 1}, 36, {}, {}), range(61 * kGiB, 3 * kGiB));
}

TEST(ChooseMmio64, IsEmptyWhereNothingFits) {
  EXPECT_EQ(choose_mmio64(Gpa{63 * kGiB + 1}, 36, {}, {}).size, 0u);
  EXPECT_EQ(choose_mmio64(Gpa{kGiB}, 32, {}, {}).size, 0u);
  EXPECT_EQ(choose_mmio64(Gpa{1000 * kGiB}, 36, {}, {}).size, 0u);
}

TEST(ChooseMmio64, StaysWithinWhatTheIommuCanMap) {
  const Ranges allowed{range(0, 0xfee00000), range(0xfef00000, (std::uint64_t{1} << 39) - 0xfef00000)};
  const auto window = choose_mmio64(Gpa{8 * kGiB}, 46, allowed, {});
  EXPECT_EQ(window, range(8 * kGiB, 504 * kGiB));
}

TEST(ChooseMmio64, GoesAroundWhatIsReserved) {
  const Ranges reserved{kHyperTransport};
  EXPECT_EQ(choose_mmio64(Gpa{8 * kGiB}, 48, {}, reserved).start, Gpa{1024 * kGiB});
}

TEST(ChooseMmio64, IgnoresAllowedRangesThatRamCovers) {
  const Ranges allowed{range(0, 2 * kGiB), range(16 * kGiB, 4 * kGiB), range(32 * kGiB, 2 * kGiB)};
  EXPECT_EQ(choose_mmio64(Gpa{8 * kGiB}, 40, allowed, {}), range(16 * kGiB, 4 * kGiB));
}

TEST(ChooseMmio64, SurvivesRangesThatReachTheEndOfTheWorld) {
  const Ranges allowed{range(0, ~std::uint64_t{0})};
  const Ranges reserved{range(kPageSize, ~std::uint64_t{0})};
  EXPECT_EQ(choose_mmio64(Gpa{kGiB}, 64, allowed, {}).size, std::uint64_t{1} << 51);
  EXPECT_EQ(choose_mmio64(Gpa{kGiB}, 48, allowed, reserved).size, 0u);
}

}  // namespace
}  // namespace strait::boot
