#include "devices/pci/bar.h"

#include <gtest/gtest.h>

#include <random>

#include "base/little_endian.h"
#include "base/units.h"

namespace strait::pci {
namespace {

using Answers = std::array<std::uint32_t, kBarCount>;
using Shapes = std::array<BarShape, kBarCount>;

constexpr BarShape kNoBar{};
constexpr BarShape io(std::uint64_t size) { return {.kind = BarKind::kIo, .size = size}; }
constexpr BarShape memory32(std::uint64_t size, bool prefetchable = false) {
  return {.kind = BarKind::kMemory32, .prefetchable = prefetchable, .size = size};
}
constexpr BarShape memory64(std::uint64_t size, bool prefetchable = false) {
  return {.kind = BarKind::kMemory64, .prefetchable = prefetchable, .size = size};
}

template <typename T>
T read(const BarRegisters& registers, unsigned offset) {
  std::array<std::uint8_t, sizeof(T)> data{};
  registers.read(offset, data);
  return load<T>(data);
}

template <typename T>
void write(BarRegisters& registers, unsigned offset, std::type_identity_t<T> value) {
  std::array<std::uint8_t, sizeof(T)> data{};
  store(std::span<std::uint8_t>(data), 0, value);
  registers.write(offset, data);
}

TEST(BarDecoding, ReadsShapesFromSizingAnswers) {
  struct Case {
    const char* name;
    Answers answers;
    Shapes shapes;
  };
  const Case cases[] = {
      {"nothing", {}, {}},
      {"an 82576 VF", {0xffffc004, 0xffffffff, 0, 0xffffc004, 0xffffffff, 0},
       {memory64(16 * kKiB), kNoBar, kNoBar, memory64(16 * kKiB), kNoBar, kNoBar}},
      {"an e1000e", {0xfffe0000, 0xfffe0000, 0xffffffe1, 0xffffc000, 0, 0},
       {memory32(128 * kKiB), memory32(128 * kKiB), io(32), memory32(16 * kKiB), kNoBar, kNoBar}},
      {"prefetchable", {0xff000008, 0xfe00000c, 0xffffffff, 0, 0, 0},
       {memory32(16 * kMiB, true), memory64(32 * kMiB, true), kNoBar, kNoBar, kNoBar, kNoBar}},
      {"larger than 4 GiB", {0x0000000c, 0xfffffff8, 0, 0, 0, 0},
       {memory64(32 * kGiB, true), kNoBar, kNoBar, kNoBar, kNoBar, kNoBar}},
      {"exactly 4 GiB", {0x00000004, 0xffffffff, 0, 0, 0, 0}, {memory64(4 * kGiB)}},
      {"I/O with 16 address bits", {0x0000fff1, 0, 0, 0, 0, 0}, {io(16)}},
      {"smallest", {0xfffffff0, 0xfffffffd, 0, 0, 0, 0}, {memory32(16), io(4)}},
      {"below 1 MiB", {0x000ff002, 0, 0, 0, 0, 0}, {memory32(4 * kKiB)}},
      {"64-bit in the last register", {0, 0, 0, 0, 0, 0xffff0004}, {}},
      {"64-bit without address bits", {0x00000004, 0, 0xfffff000, 0, 0, 0}, {kNoBar, kNoBar, memory32(4 * kKiB)}},
      {"no address bits", {0x00000008, 0x00000001, 0, 0, 0, 0}, {}},
      {"reserved type", {0xfffff006, 0, 0, 0, 0, 0}, {}},
      {"device gone", {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {}},
  };
  for (const Case& c : cases) EXPECT_EQ(decode_bars(c.answers), c.shapes) << c.name;
}

TEST(BarRegisters, FlagBitsAreTheHardwares) {
  BarRegisters registers({memory64(1 * kMiB, true), kNoBar, io(32), memory32(4 * kKiB), memory32(4 * kKiB, true), kNoBar});
  EXPECT_EQ(read<std::uint32_t>(registers, 0), 0xcu);
  EXPECT_EQ(read<std::uint32_t>(registers, 8), 0x1u);
  EXPECT_EQ(read<std::uint32_t>(registers, 12), 0x0u);
  EXPECT_EQ(read<std::uint32_t>(registers, 16), 0x8u);
  write<std::uint32_t>(registers, 8, 0);
  EXPECT_EQ(read<std::uint32_t>(registers, 8), 0x1u);
  write<std::uint8_t>(registers, 12, 0xff);
  EXPECT_EQ(read<std::uint32_t>(registers, 12), 0x0u);
}

TEST(BarRegisters, SizingByAnyWidthDecodesToTheSameShape) {
  const Shapes shapes = {memory64(32 * kGiB, true), kNoBar, memory32(64 * kKiB), io(256), memory64(16 * kKiB), kNoBar};
  for (const unsigned width : {1u, 2u, 4u}) {
    BarRegisters registers(shapes);
    const std::array<std::uint8_t, 4> ones = {0xff, 0xff, 0xff, 0xff};
    for (unsigned offset = 0; offset < 24; offset += width) registers.write(offset, std::span(ones).first(width));
    Answers answers{};
    for (unsigned bar = 0; bar < kBarCount; ++bar) answers[bar] = read<std::uint32_t>(registers, bar * 4);
    EXPECT_EQ(decode_bars(answers), shapes) << "in pieces of " << width;
  }
}

TEST(BarRegisters, SizingWithTheFlagBitsLeftClearWorksToo) {
  BarRegisters registers({memory32(64 * kKiB, true)});
  write<std::uint32_t>(registers, 0, 0xfffffff0);
  EXPECT_EQ(read<std::uint32_t>(registers, 0), 0xffff0008u);
}

TEST(BarRegisters, MergesBytesAndWords) {
  BarRegisters registers({memory32(4 * kKiB)});
  write<std::uint32_t>(registers, 0, 0x11223344);
  write<std::uint8_t>(registers, 3, 0xfe);
  EXPECT_EQ(registers.address(0), 0xfe223000u);
  write<std::uint16_t>(registers, 0, 0xabcd);
  EXPECT_EQ(registers.address(0), 0xfe22a000u);
  EXPECT_EQ(read<std::uint16_t>(registers, 2), 0xfe22);
  EXPECT_EQ(read<std::uint8_t>(registers, 1), 0xa0);
}

TEST(BarRegisters, SixtyFourBitAddressIsWrittenInHalves) {
  BarRegisters registers({kNoBar, kNoBar, memory64(16 * kKiB, true)});
  write<std::uint32_t>(registers, 8, 0xfe004000);
  EXPECT_EQ(registers.address(2), 0xfe004000u);
  write<std::uint32_t>(registers, 12, 0x80);
  EXPECT_EQ(registers.address(2), 0x80fe004000u);
  EXPECT_EQ(registers.address(3), 0u);
}

TEST(BarRegisters, SetAddressIsWhatTheGuestReads) {
  BarRegisters registers({memory64(16 * kKiB, true), kNoBar, io(32), memory32(4 * kKiB)});
  registers.set_address(0, 0x1234500004000);
  registers.set_address(2, 0xc020);
  registers.set_address(3, 0xfebf1000);
  registers.set_address(5, 0xffff0000);
  EXPECT_EQ(read<std::uint32_t>(registers, 0), 0x0000400cu);
  EXPECT_EQ(read<std::uint32_t>(registers, 4), 0x12345u);
  EXPECT_EQ(read<std::uint32_t>(registers, 8), 0xc021u);
  EXPECT_EQ(read<std::uint32_t>(registers, 12), 0xfebf1000u);
  EXPECT_EQ(read<std::uint32_t>(registers, 20), 0u);
  EXPECT_EQ(registers.address(2), 0xc020u);
}

TEST(BarRegisters, AbsentBarsStayZero) {
  BarRegisters registers({});
  for (unsigned offset = 0; offset < 24; offset += 4) {
    write<std::uint32_t>(registers, offset, 0xffffffff);
    EXPECT_EQ(read<std::uint32_t>(registers, offset), 0u);
  }
}

TEST(BarRegisters, NonsensicalShapesAreDropped) {
  const BarRegisters registers({memory64(4 * kKiB), memory32(4 * kKiB), memory32(0), kNoBar, kNoBar, memory64(4 * kKiB)});
  EXPECT_EQ(registers.shape(0), memory64(4 * kKiB));
  EXPECT_EQ(registers.shape(1), kNoBar) << "the upper half of BAR 0";
  EXPECT_EQ(registers.shape(2), kNoBar);
  EXPECT_EQ(registers.shape(5), kNoBar) << "there is no register for its upper half";
}

constexpr Range<Gpa> kLow{Gpa(0xc0000000), 0x10000000};
constexpr Range<Gpa> kHigh{Gpa(0x4000000000), 0x1000000000};

TEST(BarAllocator, PutsWideBarsHighAndNarrowOnesLow) {
  BarAllocator allocator(kLow, kHigh);
  Gpa address;
  ASSERT_TRUE(allocator.allocate(memory32(64 * kKiB), address));
  EXPECT_TRUE(kLow.contains(address));
  ASSERT_TRUE(allocator.allocate(memory64(64 * kKiB), address));
  EXPECT_TRUE(kHigh.contains(address));
  ASSERT_TRUE(allocator.allocate(memory64(64 * kKiB, true), address));
  EXPECT_TRUE(kHigh.contains(address));
}

TEST(BarAllocator, WideBarsFallBackToTheLowWindow) {
  BarAllocator allocator(kLow, {});
  Gpa address;
  ASSERT_TRUE(allocator.allocate(memory64(1 * kMiB), address));
  EXPECT_TRUE(kLow.contains(address));
}

TEST(BarAllocator, NarrowBarsNeverGoHigh) {
  BarAllocator allocator({}, kHigh);
  Gpa address;
  EXPECT_FALSE(allocator.allocate(memory32(4 * kKiB), address));
}

TEST(BarAllocator, RefusesWhatItDoesNotPlace) {
  BarAllocator allocator(kLow, kHigh);
  Gpa address;
  EXPECT_FALSE(allocator.allocate(io(32), address)) << "there is no window of ports";
  EXPECT_FALSE(allocator.allocate(kNoBar, address));
  EXPECT_FALSE(allocator.allocate(memory32(0), address));
  EXPECT_FALSE(allocator.allocate(memory32(3 * kKiB), address));
  EXPECT_FALSE(allocator.allocate(memory32(2 * kGiB), address));
  EXPECT_FALSE(allocator.allocate(memory64(std::uint64_t{1} << 63), address));
}

TEST(BarAllocator, PortsHaveAWindowOfTheirOwn) {
  BarAllocator allocator(kLow, kHigh, {Gpa(0x1000), 0x100});
  Gpa first, second, third;
  ASSERT_TRUE(allocator.allocate(io(4), first));
  ASSERT_TRUE(allocator.allocate(io(0x80), second));
  EXPECT_EQ(first, Gpa(0x1000));
  EXPECT_EQ(second, Gpa(0x1080));
  EXPECT_FALSE(allocator.allocate(io(0x80), third));
}

TEST(BarAllocator, SmallBarsGetAPageEach) {
  BarAllocator allocator(kLow, kHigh);
  Gpa first, second;
  ASSERT_TRUE(allocator.allocate(memory32(16), first));
  ASSERT_TRUE(allocator.allocate(memory32(16), second));
  EXPECT_EQ(second - first, kPageSize);
}

TEST(BarAllocator, FillsTheGapsThatAlignmentLeft) {
  BarAllocator allocator(kLow, {});
  Gpa small, large, filler;
  ASSERT_TRUE(allocator.allocate(memory32(4 * kKiB), small));
  ASSERT_TRUE(allocator.allocate(memory32(16 * kMiB), large));
  ASSERT_TRUE(allocator.allocate(memory32(4 * kKiB), filler));
  EXPECT_EQ(large.value, 0xc1000000u);
  EXPECT_EQ(filler.value, 0xc0001000u);
}

TEST(BarAllocator, FillsAWindowToItsLastByte) {
  BarAllocator allocator({Gpa(0xfffff000), 0x1000}, {Gpa(0x1000), 0x3000});
  Gpa address;
  EXPECT_TRUE(allocator.allocate(memory32(4 * kKiB), address));
  EXPECT_FALSE(allocator.allocate(memory32(4 * kKiB), address));
  EXPECT_TRUE(allocator.allocate(memory64(8 * kKiB), address));
  EXPECT_EQ(address.value, 0x2000u);
  EXPECT_TRUE(allocator.allocate(memory64(4 * kKiB), address));
  EXPECT_FALSE(allocator.allocate(memory64(4 * kKiB), address));
}

TEST(BarAllocator, RandomRequestsNeverOverlapAndAreAligned) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 50; ++round) {
    BarAllocator allocator(kLow, kHigh);
    std::vector<Range<Gpa>> placed;
    for (int i = 0; i < 60; ++i) {
      const std::uint64_t size = std::uint64_t{1} << random() % 34;
      const BarShape shape = random() % 2 == 0 ? memory32(size) : memory64(size);
      Gpa address;
      if (!allocator.allocate(shape, address)) continue;
      const Range<Gpa> range{address, std::max(size, kPageSize)};
      EXPECT_TRUE(is_aligned(address.value, range.size));
      EXPECT_TRUE(kLow.contains(range) || (shape.kind == BarKind::kMemory64 && kHigh.contains(range)));
      for (const Range<Gpa>& other : placed) EXPECT_FALSE(range.overlaps(other));
      placed.push_back(range);
    }
    EXPECT_GT(placed.size(), 10u);
  }
}

}  // namespace
}  // namespace strait::pci
