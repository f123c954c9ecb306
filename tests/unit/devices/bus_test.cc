#include "devices/bus.h"

#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <thread>
#include <vector>

#include "tests/unit/devices/access.h"

namespace strait {
namespace {

using test::read;
using test::write;

/// Answers every read with its own byte and remembers where it was touched.
struct Probe : BusDevice {
  explicit Probe(std::uint8_t value) : answer(value) {}
  void read(std::uint64_t offset, std::span<std::uint8_t> data) override {
    last_offset = offset;
    std::fill(data.begin(), data.end(), answer);
  }
  void write(std::uint64_t offset, std::span<const std::uint8_t> data) override {
    last_offset = offset;
    last_written = load_access(data);
  }
  std::uint8_t answer;
  std::atomic<std::uint64_t> last_offset = ~std::uint64_t{0};
  std::atomic<std::uint64_t> last_written = 0;
};

std::uint64_t count_of(const Bus& bus, const std::string& name) {
  for (const auto& [entry, count] : bus.counts()) {
    if (entry == name) return count;
  }
  return ~std::uint64_t{0};
}

TEST(Bus, AnswersAllOnesWhereNothingIs) {
  Bus bus;
  EXPECT_EQ(read<std::uint32_t>(bus, 0x1000), 0xffffffffu);
  write<std::uint32_t>(bus, 0x1000, 1);
  EXPECT_EQ(count_of(bus, "none"), 2u);
}

TEST(Bus, HandsTheDeviceAnOffsetIntoItsRange) {
  Bus bus;
  Probe probe(0x11);
  ASSERT_TRUE(bus.insert(0x1000, 0x100, probe, "probe"));
  EXPECT_EQ(read<std::uint16_t>(bus, 0x10fe), 0x1111);
  EXPECT_EQ(probe.last_offset, 0xfeu);
  write<std::uint32_t>(bus, 0x1004, 0xabcd);
  EXPECT_EQ(probe.last_offset, 4u);
  EXPECT_EQ(probe.last_written, 0xabcdu);
  EXPECT_EQ(count_of(bus, "probe"), 2u);
}

TEST(Bus, DoesNotSplitAccessesThatStraddleRanges) {
  Bus bus;
  Probe low(0x11), high(0x22);
  ASSERT_TRUE(bus.insert(0x1000, 0x10, low, "low"));
  ASSERT_TRUE(bus.insert(0x1010, 0x10, high, "high"));
  EXPECT_EQ(read<std::uint32_t>(bus, 0x100e), 0xffffffffu);
  EXPECT_EQ(read<std::uint32_t>(bus, 0x101e), 0xffffffffu);
  EXPECT_EQ(read<std::uint32_t>(bus, 0x0ffe), 0xffffffffu);
  EXPECT_EQ(count_of(bus, "none"), 3u);
  EXPECT_EQ(count_of(bus, "low"), 0u);
}

TEST(Bus, RefusesOverlapsEmptyRangesAndRangesThatWrap) {
  constexpr std::uint64_t kTop = std::numeric_limits<std::uint64_t>::max();
  struct Case {
    std::uint64_t start, size;
    bool accepted;
  };
  constexpr Case kCases[] = {
      {0x1000, 0x1000, false}, {0x0fff, 2, false},     {0x1fff, 1, false},     {0x0, 0x10000, false},
      {0x1800, 0x10, false},   {0x3000, 0, false},     {kTop, 2, false},       {0x0, kTop, false},
      {0x0, 0x1000, true},     {0x2000, 0x100, true},  {kTop - 0xff, 0x100, true},
  };
  for (const Case& c : kCases) {
    Bus bus;
    Probe first(0), second(1);
    ASSERT_TRUE(bus.insert(0x1000, 0x1000, first, "first"));
    EXPECT_EQ(bus.insert(c.start, c.size, second, "second"), c.accepted) << std::hex << c.start << " + " << c.size;
  }
}

TEST(Bus, ReachesTheLastByteOfTheAddressSpace) {
  Bus bus;
  Probe probe(0x33);
  constexpr std::uint64_t kTop = std::numeric_limits<std::uint64_t>::max();
  ASSERT_TRUE(bus.insert(kTop - 0xff, 0x100, probe, "top"));
  EXPECT_EQ(read<std::uint8_t>(bus, kTop), 0x33);
  EXPECT_EQ(read<std::uint16_t>(bus, kTop), 0xffff);
}

TEST(Bus, RemovedRangeAnswersNoLongerAndKeepsItsCount) {
  Bus bus;
  Probe probe(0x44);
  ASSERT_TRUE(bus.insert(0x1000, 0x10, probe, "probe"));
  EXPECT_EQ(read<std::uint8_t>(bus, 0x1000), 0x44);
  bus.remove(0x1001);
  EXPECT_EQ(read<std::uint8_t>(bus, 0x1000), 0x44);
  bus.remove(0x1000);
  EXPECT_EQ(read<std::uint8_t>(bus, 0x1000), 0xff);
  ASSERT_TRUE(bus.insert(0x2000, 0x10, probe, "probe"));
  EXPECT_EQ(read<std::uint8_t>(bus, 0x2000), 0x44);
  EXPECT_EQ(count_of(bus, "probe"), 3u);
}

TEST(Bus, CountsRangesOfTheSameNameTogether) {
  Bus bus;
  Probe a(1), b(2);
  ASSERT_TRUE(bus.insert(0x1000, 0x10, a, "bars"));
  ASSERT_TRUE(bus.insert(0x2000, 0x10, b, "bars"));
  read<std::uint8_t>(bus, 0x1000);
  read<std::uint8_t>(bus, 0x2000);
  EXPECT_EQ(count_of(bus, "bars"), 2u);
  EXPECT_EQ(bus.counts().size(), 2u);
}

/// A device whose registers move another range of the bus it sits on, as a write to a BAR does.
struct Mover : BusDevice {
  Mover(Bus& owner, BusDevice& device) : bus(owner), target(device) {}
  void read(std::uint64_t, std::span<std::uint8_t> data) override { fill_ones(data); }
  void write(std::uint64_t, std::span<const std::uint8_t> data) override {
    bus.remove(position);
    position = load_access(data);
    bus.insert(position, 0x10, target, "target");
  }
  Bus& bus;
  BusDevice& target;
  std::uint64_t position = 0;
};

TEST(Bus, DeviceMayMoveRangesOfTheBusThatCallsIt) {
  Bus bus;
  Probe target(0x55);
  Mover mover(bus, target);
  ASSERT_TRUE(bus.insert(0x100, 8, mover, "mover"));
  write<std::uint64_t>(bus, 0x100, 0x5000);
  EXPECT_EQ(read<std::uint8_t>(bus, 0x5000), 0x55);
  write<std::uint64_t>(bus, 0x100, 0x6000);
  EXPECT_EQ(read<std::uint8_t>(bus, 0x5000), 0xff);
  EXPECT_EQ(read<std::uint8_t>(bus, 0x6000), 0x55);
}

TEST(Bus, AccessesWhileARangeMovesSeeTheDeviceOrNothing) {
  Bus bus;
  Probe fixed(0x66), moving(0x77);
  ASSERT_TRUE(bus.insert(0x1000, 0x100, fixed, "fixed"));
  std::atomic<bool> stop = false;
  std::atomic<int> wrong = 0;
  std::atomic<int> rounds = 0;

  std::vector<std::jthread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        if (read<std::uint32_t>(bus, 0x1010) != 0x66666666u) ++wrong;
        for (const std::uint64_t place : {0x2000u, 0x3000u}) {
          const auto value = read<std::uint32_t>(bus, place);
          if (value != 0x77777777u && value != 0xffffffffu) ++wrong;
        }
        bus.counts();
        ++rounds;
      }
    });
  }
  for (int i = 0; i < 2000 || rounds < 2000; ++i) {
    ASSERT_TRUE(bus.insert(i % 2 == 0 ? 0x2000 : 0x3000, 0x100, moving, "moving"));
    bus.remove(i % 2 == 0 ? 0x2000 : 0x3000);
  }
  stop = true;
  readers.clear();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace strait
