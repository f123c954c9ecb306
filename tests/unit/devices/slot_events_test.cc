#include "devices/pci/slot_events.h"

#include <gtest/gtest.h>

#include "base/little_endian.h"

namespace strait::pci {
namespace {

constexpr std::uint64_t kInserted = 0, kWanted = 4, kEjected = 8;

class SlotEventsTest : public testing::Test {
 protected:
  std::uint32_t read(std::uint64_t offset) {
    std::array<std::uint8_t, 4> data{};
    events_.read(offset, data);
    return load<std::uint32_t>(data);
  }

  std::vector<std::uint32_t> ejected_;
  SlotEvents events_{[this](std::uint32_t slots) { ejected_.push_back(slots); }};
};

TEST_F(SlotEventsTest, EachNewsIsTakenByTheReadThatSeesIt) {
  events_.insert(3);
  events_.insert(31);
  events_.want_back(4);
  EXPECT_EQ(read(kInserted), 1u << 3 | 1u << 31);
  EXPECT_EQ(read(kInserted), 0u);
  EXPECT_EQ(read(kWanted), 1u << 4);
  EXPECT_EQ(read(kWanted), 0u);
}

TEST_F(SlotEventsTest, WhatIsForgottenIsNotTold) {
  for (const unsigned slot : {3u, 31u}) {
    events_.insert(slot);
    events_.want_back(slot);
  }
  events_.forget(31);
  EXPECT_EQ(read(kInserted), 1u << 3);
  EXPECT_EQ(read(kWanted), 1u << 3);
}

TEST_F(SlotEventsTest, TellsWhatTheGuestEjects) {
  events_.write(kEjected, std::array<std::uint8_t, 4>{0x10, 0, 0, 0x80});
  EXPECT_EQ(ejected_, std::vector<std::uint32_t>{0x80000010});
  EXPECT_EQ(read(kEjected), 0u);
}

TEST_F(SlotEventsTest, OtherAccessesAreNothing) {
  events_.insert(0);
  std::array<std::uint8_t, 2> narrow{};
  events_.read(kInserted, narrow);
  EXPECT_EQ(narrow, (std::array<std::uint8_t, 2>{0xff, 0xff}));
  EXPECT_EQ(read(2), 0xffffffffu);
  events_.write(kEjected, std::array<std::uint8_t, 1>{1});
  events_.write(kInserted, std::array<std::uint8_t, 4>{1});
  EXPECT_TRUE(ejected_.empty());
  EXPECT_EQ(read(kInserted), 1u) << "the narrow read took nothing";
}

}  // namespace
}  // namespace strait::pci
