#include "vfio/repeated_writes.h"

#include <gtest/gtest.h>

namespace strait::vfio {
namespace {

constexpr RegisterWrite kMask{.region = 0, .offset = 0x1524, .size = 4, .value = 1};

RegisterWrite with_value(std::uint64_t value) { return {kMask.region, kMask.offset, kMask.size, value}; }

/// How often the write has to be made until it is reported; 0 where a hundred are not enough.
unsigned hits_until_reported(RepeatedWrites& writes, const RegisterWrite& write) {
  for (unsigned i = 1; i <= 100; ++i) {
    if (writes.add(write)) return i;
  }
  return 0;
}

TEST(RepeatedWrites, TheTenthOfOneValueIsReportedAndEveryTenthFromThere) {
  RepeatedWrites writes;
  EXPECT_EQ(hits_until_reported(writes, kMask), 10u);
  EXPECT_EQ(hits_until_reported(writes, kMask), 10u);
}

TEST(RepeatedWrites, PlaceWidthAndValueAllCount) {
  RepeatedWrites writes;
  for (unsigned i = 0; i < 9; ++i) {
    EXPECT_FALSE(writes.add(kMask));
    EXPECT_FALSE(writes.add({kMask.region + 1, kMask.offset, 4, 1}));
    EXPECT_FALSE(writes.add({kMask.region, kMask.offset + 4, 4, 1}));
    EXPECT_FALSE(writes.add({kMask.region, kMask.offset, 2, 1}));
    EXPECT_FALSE(writes.add(with_value(2)));
  }
  EXPECT_TRUE(writes.add(with_value(2)));
  EXPECT_TRUE(writes.add(kMask));
}

TEST(RepeatedWrites, ADriverMayUseAFewValuesInTurn) {
  RepeatedWrites writes;
  for (unsigned i = 0; i < 9; ++i) {
    for (std::uint64_t value = 0; value < RepeatedWrites::kValues; ++value) EXPECT_FALSE(writes.add(with_value(value)));
  }
  for (std::uint64_t value = 0; value < RepeatedWrites::kValues; ++value) EXPECT_TRUE(writes.add(with_value(value)));
}

TEST(RepeatedWrites, ARegisterWhoseValueVariesIsNeverReportedAgain) {
  RepeatedWrites writes;
  for (std::uint64_t tail = 0; tail < 256; ++tail) EXPECT_FALSE(writes.add(with_value(tail)));
  EXPECT_EQ(hits_until_reported(writes, with_value(7)), 0u);
  EXPECT_EQ(hits_until_reported(writes, {0, 0x2000, 4, 7}), 10u) << "others are";
}

TEST(RepeatedWrites, WhatIsWrittenOftenIsRememberedHoweverManyRegistersAreWrittenOnce) {
  RepeatedWrites writes;
  std::uint64_t offset = 0x4000;
  for (unsigned i = 1; i < 10; ++i) {
    ASSERT_FALSE(writes.add(kMask));
    for (std::size_t other = 1; other < RepeatedWrites::kRegisters; ++other) ASSERT_FALSE(writes.add({0, offset += 4, 4, 1}));
  }
  EXPECT_TRUE(writes.add(kMask));
}

TEST(RepeatedWrites, TheRegisterWrittenLongestAgoIsForgotten) {
  RepeatedWrites writes;
  for (unsigned i = 1; i < 10; ++i) ASSERT_FALSE(writes.add(kMask));
  for (std::size_t other = 1; other <= RepeatedWrites::kRegisters; ++other) ASSERT_FALSE(writes.add({0, 0x4000 + 4 * other, 4, 1}));
  EXPECT_EQ(hits_until_reported(writes, kMask), 10u);
}

}  // namespace
}  // namespace strait::vfio
