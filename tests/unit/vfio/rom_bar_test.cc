#include "vfio/rom_bar.h"

#include <gtest/gtest.h>

#include "base/little_endian.h"
#include "base/log.h"
#include "base/units.h"
#include "tests/fakes/fake_memory_slots.h"

namespace strait::vfio {
namespace {

using test::FakeMemorySlots;
using test::Journal;
using test::Lines;

class RomBarTest : public testing::Test {
 protected:
  ~RomBarTest() override {
    rom_.remove();
    EXPECT_TRUE(slots_.placed.empty());
  }
  std::uint32_t get() const {
    std::array<std::uint8_t, 4> data{};
    rom_.read(0, data);
    return load<std::uint32_t>(data);
  }
  void put(std::uint32_t value) {
    std::array<std::uint8_t, 4> data{};
    store(std::span<std::uint8_t>(data), 0, value);
    rom_.write(0, data);
  }

  Journal journal_;
  FakeMemorySlots slots_{journal_};
  unsigned reads_ = 0;
  RomBar rom_{5000,
              [this] {
                ++reads_;
                return std::vector<std::uint8_t>(5000, 0x55);
              },
              slots_};
};

TEST_F(RomBarTest, ItIsSizedLikeAnyBar) {
  EXPECT_EQ(rom_.size(), 0x2000u);
  put(0xfffff800);
  EXPECT_EQ(get(), 0xffffe000u);
  EXPECT_EQ(RomBar(1, {}, slots_).size(), 0x1000u) << "a page at least";
}

TEST_F(RomBarTest, ItAnswersWhileRegisterAndCommandSaySo) {
  put(0xc0000000);
  rom_.settle(true);
  EXPECT_EQ(journal_.take(), Lines{}) << "not enabled";
  put(0xc0000001);
  rom_.settle(false);
  EXPECT_EQ(journal_.take(), Lines{}) << "memory is not decoded";
  EXPECT_EQ(reads_, 0u);
  rom_.settle(true);
  EXPECT_EQ(journal_.take(), (Lines{"slot + 0xc0000000/0x2000"}));
  rom_.settle(true);
  EXPECT_EQ(journal_.take(), Lines{});
  put(0xd0000001);
  rom_.settle(true);
  EXPECT_EQ(journal_.take(), (Lines{"slot - 0xc0000000", "slot + 0xd0000000/0x2000"}));
  rom_.settle(false);
  EXPECT_EQ(journal_.take(), (Lines{"slot - 0xd0000000"}));
  EXPECT_EQ(reads_, 1u) << "it is read once";
}

TEST_F(RomBarTest, WhatIsMissingReadsAsOnes) {
  put(0xc0000001);
  rom_.settle(true);
  const std::uint8_t* bytes = slots_.placed.begin()->second.host;
  EXPECT_EQ(bytes[4999], 0x55);
  EXPECT_EQ(bytes[5000], 0xff);
}

TEST_F(RomBarTest, AnAddressWithoutRoomLeavesItUnreachable) {
  log::set_level(log::Level::kOff);
  MappedRegion other = MappedRegion::anonymous(kPageSize, kPageSize, 0);
  const auto slot = slots_.add(Gpa(0xc0001000), other.bytes(), false);
  put(0xc0000001);
  rom_.settle(true);
  EXPECT_EQ(slots_.placed.size(), 1u);
  slots_.remove(slot);
  rom_.settle(true);
  EXPECT_EQ(slots_.placed.size(), 1u) << "tried again";
  log::set_level(log::Level::kWarning);
}

}  // namespace
}  // namespace strait::vfio
