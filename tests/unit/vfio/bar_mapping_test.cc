#include "vfio/bar_mapping.h"

#include <gtest/gtest.h>

#include "base/little_endian.h"
#include "base/log.h"
#include "tests/fakes/fake_device.h"
#include "tests/fakes/fake_memory_slots.h"

namespace strait::vfio {
namespace {

using test::FakeDevice;
using test::FakeMemorySlots;
using test::Journal;
using test::Lines;

constexpr std::uint64_t kAddress = 0xc0000000;
constexpr Area area(std::uint64_t start, std::uint64_t size) { return {decltype(Area::start)(start), size}; }

/// Answers trapped accesses, and notes where they arrived.
struct NotingAccess : BarAccess {
  explicit NotingAccess(Journal& j) : journal(j) {}
  void read_bar(unsigned bar, std::uint64_t offset, std::span<std::uint8_t> data) override {
    journal.add("trapped read of BAR {} at {:#x}/{}", bar, offset, data.size());
    store_access(data, 0x77);
  }
  void write_bar(unsigned bar, std::uint64_t offset, std::span<const std::uint8_t> data) override {
    journal.add("trapped write to BAR {} at {:#x} of {}", bar, offset, test::hex(data));
  }
  Journal& journal;
};

class BarMappingTest : public testing::Test {
 protected:
  BarMappingTest() { log::set_level(log::Level::kOff); }
  ~BarMappingTest() override { log::set_level(log::Level::kWarning); }

  /// A 16 KiB BAR with the MSI-X table in its second page.
  BarMapping with_table() {
    device_.add_bar(0, 0x4000, FakeDevice::kMemory32);
    const Area structures[] = {area(0x1000, 0x30)};
    return {device_, 0, {pci::BarKind::kMemory32, false, 0x4000}, structures, access_, slots_, bus_};
  }
  BarMapping plain(std::uint64_t size) {
    device_.add_bar(0, size, FakeDevice::kMemory32);
    return {device_, 0, {pci::BarKind::kMemory32, false, std::max(size, kPageSize)}, {}, access_, slots_, bus_};
  }
  std::uint8_t read(std::uint64_t address) {
    std::uint8_t byte = 0;
    bus_.read(address, {&byte, 1});
    return byte;
  }

  Journal journal_;
  FakeDevice device_{test::ConfigBuilder(), &journal_};
  NotingAccess access_{journal_};
  FakeMemorySlots slots_{journal_};
  Bus bus_;
};

TEST_F(BarMappingTest, PagesWithoutStructuresAreSlotsAndTheRestIsTrapped) {
  BarMapping bar = with_table();
  EXPECT_EQ(journal_.take(), Lines{}) << "nothing is mapped before it is placed";
  bar.place(kAddress);
  EXPECT_EQ(journal_.take(),
            (Lines{"map BAR 0 0x0/0x1000", "map BAR 0 0x2000/0x2000", "slot + 0xc0000000/0x1000", "slot + 0xc0002000/0x2000"}));
  EXPECT_EQ(read(kAddress + 0x1008), 0x77);
  EXPECT_EQ(journal_.take(), (Lines{"trapped read of BAR 0 at 0x1008/1"}));
  EXPECT_TRUE(bar.direct());
}

TEST_F(BarMappingTest, TheSlotsAreTheDevicesMemory) {
  BarMapping bar = with_table();
  bar.place(kAddress);
  device_.bar(0)[0x2010] = 0x5a;
  EXPECT_EQ(slots_.placed.at(1).host[0x10], 0x5a);
}

TEST_F(BarMappingTest, HostAndGuestAddressAgreeAsFarAsPagesCan) {
  BarMapping bar = plain(4 * kMiB);
  bar.place(kAddress);
  EXPECT_TRUE(is_aligned(reinterpret_cast<std::uint64_t>(slots_.placed.at(0).host), 4 * kMiB));
}

TEST_F(BarMappingTest, RemovedItAnswersNowhereAndIsMappedOnlyOnce) {
  BarMapping bar = with_table();
  bar.place(kAddress);
  journal_.take();
  bar.remove();
  EXPECT_EQ(journal_.take(), (Lines{"slot - 0xc0000000", "slot - 0xc0002000"}));
  EXPECT_EQ(read(kAddress + 0x1008), 0xff);
  EXPECT_FALSE(bar.direct());
  bar.place(kAddress);
  EXPECT_EQ(journal_.take(), (Lines{"slot + 0xc0000000/0x1000", "slot + 0xc0002000/0x2000"})) << "the host's mappings were kept";
}

TEST_F(BarMappingTest, PlacedWhereItIsItStays) {
  BarMapping bar = with_table();
  bar.place(kAddress);
  journal_.take();
  bar.place(kAddress);
  EXPECT_EQ(journal_.take(), Lines{});
}

TEST_F(BarMappingTest, ItMovesAsAWhole) {
  BarMapping bar = with_table();
  bar.place(kAddress);
  journal_.take();
  bar.place(0xd0000000);
  EXPECT_EQ(journal_.take(),
            (Lines{"slot - 0xc0000000", "slot - 0xc0002000", "slot + 0xd0000000/0x1000", "slot + 0xd0002000/0x2000"}));
  EXPECT_EQ(read(kAddress + 0x1008), 0xff);
  EXPECT_EQ(read(0xd0001008), 0x77);
}

TEST_F(BarMappingTest, TrappedAllAccessesComeThroughUs) {
  BarMapping bar = with_table();
  bar.place(kAddress, false);
  EXPECT_EQ(journal_.take(), Lines{});
  read(kAddress + 0x2010);
  const std::uint8_t data[] = {1, 2, 3};
  bus_.write(kAddress + 0x3ffd, data);
  EXPECT_EQ(journal_.take(), (Lines{"trapped read of BAR 0 at 0x2010/1", "trapped write to BAR 0 at 0x3ffd of 0x030201"}));
  bar.place(kAddress, true);
  EXPECT_TRUE(bar.direct());
}

TEST_F(BarMappingTest, ADeviceThatDoesNotLikeToBeMappedIsTrapped) {
  BarMapping bar = with_table();
  device_.refuses_mapping = true;
  bar.place(kAddress);
  EXPECT_FALSE(bar.direct());
  EXPECT_EQ(read(kAddress + 0x2010), 0x77);
  journal_.take();
  bar.place(0xd0000000);
  EXPECT_EQ(journal_.take(), Lines{}) << "not tried again and again";
  EXPECT_EQ(read(0xd0002010), 0x77);
}

TEST_F(BarMappingTest, ASubPageBarIsDirectOnAPageOfItsOwn) {
  BarMapping bar = plain(0x100);
  bar.place(kAddress);
  EXPECT_EQ(journal_.take(), (Lines{"map BAR 0 0x0/0x1000", "slot + 0xc0000000/0x1000"}));
}

TEST_F(BarMappingTest, ASubPageBarThatIsTrappedAnswersAsFarAsItGoes) {
  BarMapping bar = plain(0x100);
  bar.place(kAddress, false);
  EXPECT_FALSE(bar.direct());
  EXPECT_EQ(read(kAddress + 0xff), 0x77);
  EXPECT_EQ(read(kAddress + 0x100), 0xff);
}

TEST_F(BarMappingTest, AnAddressOfAnotherSlotIsNoHarm) {
  BarMapping bar = with_table();
  const MappedRegion ram = MappedRegion::anonymous(0x3000, kPageSize);
  slots_.add(Gpa(kAddress), ram.bytes(), false);
  bar.place(kAddress);
  EXPECT_EQ(slots_.placed.size(), 1u) << "both pieces collide with the RAM, which stays";
  bar.place(0xd0000000);
  EXPECT_EQ(slots_.placed.size(), 3u);
  bar.remove();
  EXPECT_EQ(slots_.placed.size(), 1u);
}

TEST_F(BarMappingTest, ATrappedPartThatCollidesLeavesTheOtherDeviceInPlace) {
  struct Other : BusDevice {
    void read(std::uint64_t, std::span<std::uint8_t> data) override { store_access(data, 0x42); }
    void write(std::uint64_t, std::span<const std::uint8_t>) override {}
  } other;
  bus_.insert(kAddress + 0x1800, 0x100, other, "other");
  BarMapping bar = with_table();
  bar.place(kAddress);
  EXPECT_EQ(read(kAddress + 0x1800), 0x42);
  bar.remove();
  EXPECT_EQ(read(kAddress + 0x1800), 0x42) << "not taken away with ours";
}

TEST_F(BarMappingTest, UnmappedItGivesTheHostsMappingsBack) {
  BarMapping bar = plain(0x1000);
  bar.place(kAddress);
  bar.unmap();
  journal_.take();
  bar.place(kAddress);
  EXPECT_EQ(journal_.take(), (Lines{"map BAR 0 0x0/0x1000", "slot + 0xc0000000/0x1000"}));
}

TEST_F(BarMappingTest, AnIoBarIsTrapped) {
  device_.add_bar(2, 0x20, FakeDevice::kIo);
  BarMapping bar(device_, 2, {pci::BarKind::kIo, false, 0x20}, {}, access_, slots_, bus_);
  bar.place(0xc040);
  EXPECT_FALSE(bar.direct());
  EXPECT_EQ(read(0xc05f), 0x77);
  EXPECT_EQ(journal_.take(), (Lines{"trapped read of BAR 2 at 0x1f/1"}));
}

TEST_F(BarMappingTest, ItsEndTakesItsSlotsAndTrapsAway) {
  {
    BarMapping bar = with_table();
    bar.place(kAddress);
  }
  EXPECT_TRUE(slots_.placed.empty());
  EXPECT_EQ(read(kAddress + 0x1008), 0xff);
}

}  // namespace
}  // namespace strait::vfio
