#include "vmm/address_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/units.h"
#include "tests/unit/error_of.h"

namespace strait {
namespace {

using test::error_of;
using Usable = std::vector<Range<Iova>>;
using Ram = std::vector<Range<Gpa>>;

constexpr Range<Iova> iovas(std::uint64_t start, std::uint64_t end) { return {Iova(start), end - start}; }
constexpr Range<Gpa> gpas(std::uint64_t start, std::uint64_t end) { return {Gpa(start), end - start}; }

constexpr std::uint64_t kMsiStart = 0xfee00000, kMsiEnd = 0xfef00000;

/// What an x86 host's IOMMU of that width leaves: everything but the interrupt window.
Usable usual(unsigned bits) { return {iovas(0, kMsiStart), iovas(kMsiEnd, 1ull << bits)}; }

void expect_inside(const Range<Gpa>& range, const Usable& usable) {
  for (const auto& allowed : usable) {
    if (allowed.contains(Range<Iova>{Iova(range.start.value), range.size})) return;
  }
  ADD_FAILURE() << std::hex << range.start.value << " + " << range.size << " cannot be mapped";
}

TEST(AddressPlan, SmallMemoryIsOneRangeFromZero) {
  const AddressPlan plan = plan_addresses(512 * kMiB, 48, {});
  EXPECT_EQ(plan.ram, (Ram{gpas(0, 512 * kMiB)}));
  EXPECT_EQ(plan.physical_bits, 48u);
  EXPECT_GE(plan.mmio64.start, Gpa(4 * kGiB));
  EXPECT_LE(plan.mmio64.end().value, 1ull << 48);
  EXPECT_GE(plan.mmio64.size, kGiB);
}

TEST(AddressPlan, MemoryPast3GiBGoesAbove4GiB) {
  EXPECT_EQ(plan_addresses(3 * kGiB, 48, {}).ram, (Ram{gpas(0, 3 * kGiB)}));
  EXPECT_EQ(plan_addresses(6 * kGiB, 48, usual(48)).ram, (Ram{gpas(0, 3 * kGiB), gpas(4 * kGiB, 7 * kGiB)}));
}

TEST(AddressPlan, TheInterruptWindowIsInNeitherRamNorBars) {
  const Usable usable = usual(48);
  const AddressPlan plan = plan_addresses(16 * kGiB, 48, usable);
  for (const auto& ram : plan.ram) expect_inside(ram, usable);
  expect_inside(plan.mmio64, usable);
}

TEST(AddressPlan, ANarrowIommuNarrowsTheGuest) {
  const Usable usable = usual(39);
  const AddressPlan plan = plan_addresses(8 * kGiB, 46, usable);
  EXPECT_EQ(plan.physical_bits, 39u);
  EXPECT_LE(plan.mmio64.end().value, 1ull << 39);
  expect_inside(plan.mmio64, usable);
}

TEST(AddressPlan, AnIommuThatIsWiderThanTheProcessorChangesNothing) {
  EXPECT_EQ(plan_addresses(kGiB, 40, usual(57)).physical_bits, 40u);
  const Usable whole = {iovas(0, kMsiStart), iovas(kMsiEnd, ~0ull)};
  EXPECT_EQ(plan_addresses(kGiB, 48, whole).physical_bits, 48u) << "AMD's last range ends with the 64 bits";
}

/// AMD's HyperTransport hole, just below 1 TiB.
TEST(AddressPlan, RamGoesAroundTheHyperTransportHole) {
  constexpr std::uint64_t kHole = 0xfd00000000, kHoleEnd = 0x10000000000;
  const Usable usable = {iovas(0, kMsiStart), iovas(kMsiEnd, kHole), iovas(kHoleEnd, 1ull << 48)};
  const AddressPlan plan = plan_addresses(1024 * kGiB, 48, usable);
  ASSERT_EQ(plan.ram.size(), 3u);
  EXPECT_EQ(plan.ram[0], gpas(0, 3 * kGiB));
  EXPECT_EQ(plan.ram[1], gpas(4 * kGiB, kHole));
  EXPECT_EQ(plan.ram[2].start, Gpa(kHoleEnd));
  std::uint64_t total = 0;
  for (const auto& ram : plan.ram) {
    expect_inside(ram, usable);
    total += ram.size;
  }
  EXPECT_EQ(total, 1024 * kGiB);
  expect_inside(plan.mmio64, usable);
}

TEST(AddressPlan, BarsStayOutOfTheHole) {
  const Usable usable = {iovas(0, kMsiStart), iovas(kMsiEnd, 0xfd00000000), iovas(0x10000000000, 1ull << 48)};
  const AddressPlan plan = plan_addresses(4 * kGiB, 48, usable);
  expect_inside(plan.mmio64, usable);
  EXPECT_FALSE(plan.mmio64.overlaps(gpas(0xfd00000000, 0x10000000000)));
}

TEST(AddressPlan, MemoryThatTheAddressBitsCannotHoldIsAnError) {
  EXPECT_EQ(error_of([] { plan_addresses(64 * kGiB, 36, {}); }),
            "65536 MiB of memory do not fit into the 36 address bits of this host's processor; give a smaller --memory");
  EXPECT_EQ(
      error_of([] { plan_addresses(512 * kGiB, 46, usual(39)); }),
      "524288 MiB of memory do not fit into the 39 address bits of this host's processor and IOMMU; give a smaller --memory");
}

TEST(AddressPlan, WhatFitsToTheLastByteDoes) {
  const AddressPlan plan = plan_addresses(63 * kGiB, 36, {});
  EXPECT_EQ(plan.ram.back().end(), Gpa(1ull << 36));
  EXPECT_EQ(plan.mmio64.size, 0u) << "but there is no room for 64-bit BARs";
}

TEST(AddressPlan, AReservedRangeInLowMemoryIsAnError) {
  const Usable usable = {iovas(0, 0x80000000), iovas(0x80100000, kMsiStart), iovas(kMsiEnd, 1ull << 48)};
  EXPECT_EQ(error_of([&] { plan_addresses(3 * kGiB, 48, usable); }),
            "this host's IOMMU cannot map guest memory at 0x0 to 0xbfffffff; this host reserves addresses below 3 GiB (see "
            "/sys/kernel/iommu_groups/*/reserved_regions); try a smaller --memory");
  EXPECT_NO_THROW(plan_addresses(2 * kGiB, 48, usable));
}

TEST(AddressPlan, ALaterDevicesIommuHasToReachAllOfTheMemory) {
  const AddressPlan plan = plan_addresses(4 * kGiB, 48, {});
  EXPECT_TRUE(ram_is_mappable(plan, {})) << "nothing is said against it";
  EXPECT_TRUE(ram_is_mappable(plan, Usable{iovas(0, kMsiStart), iovas(kMsiEnd, 5 * kGiB)}));
  EXPECT_FALSE(ram_is_mappable(plan, Usable{iovas(0, kMsiStart), iovas(kMsiEnd, 5 * kGiB - 1)}));
  EXPECT_FALSE(ram_is_mappable(plan, Usable{iovas(4096, kMsiStart), iovas(kMsiEnd, 1ull << 48)}));
}

}  // namespace
}  // namespace strait
