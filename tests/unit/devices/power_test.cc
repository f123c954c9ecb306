#include "devices/power.h"

#include <gtest/gtest.h>

#include "devices/debug_exit.h"
#include "devices/i8042.h"
#include "tests/unit/devices/access.h"

namespace strait {
namespace {

using test::read;
using test::write;

constexpr std::uint64_t kStatus = Power::kEventOffset;
constexpr std::uint64_t kEnable = Power::kEventOffset + 2;
constexpr std::uint64_t kControl = Power::kControlOffset;

struct PowerTest : testing::Test {
  test::RecordingIrqLine sci;
  int power_offs = 0;
  int resets = 0;
  Power power{sci, [this] { ++power_offs; }, [this] { ++resets; }};
};

TEST_F(PowerTest, StartsInAcpiModeWithNothingPending) {
  EXPECT_EQ(read<std::uint32_t>(power, kStatus), 0u);
  EXPECT_EQ(read<std::uint16_t>(power, kControl), Power::kSciEnable);
}

TEST_F(PowerTest, ButtonRaisesTheSciOnlyOnceTheGuestEnabledIt) {
  power.press_power_button();
  EXPECT_EQ(read<std::uint16_t>(power, kStatus), Power::kPowerButton);
  EXPECT_FALSE(sci.level);
  write<std::uint16_t>(power, kEnable, Power::kPowerButton);
  EXPECT_TRUE(sci.level);
}

TEST_F(PowerTest, WritingOneToTheStatusBitLowersTheSci) {
  write<std::uint16_t>(power, kEnable, Power::kPowerButton);
  power.press_power_button();
  ASSERT_TRUE(sci.level);
  write<std::uint16_t>(power, kStatus, 0);
  EXPECT_TRUE(sci.level);
  write<std::uint16_t>(power, kStatus, Power::kPowerButton);
  EXPECT_FALSE(sci.level);
  EXPECT_EQ(read<std::uint16_t>(power, kStatus), 0u);
}

TEST_F(PowerTest, PinIsDrivenOnlyWhenItsLevelChanges) {
  write<std::uint16_t>(power, kEnable, Power::kPowerButton);
  power.press_power_button();
  power.press_power_button();
  read<std::uint16_t>(power, kStatus);
  write<std::uint16_t>(power, kEnable, Power::kPowerButton);
  EXPECT_EQ(sci.calls, 1);
}

TEST_F(PowerTest, EventRegistersTakeBytesToo) {
  write<std::uint8_t>(power, kEnable + 1, Power::kPowerButton >> 8);
  power.press_power_button();
  EXPECT_TRUE(sci.level);
  EXPECT_EQ(read<std::uint8_t>(power, kStatus + 1), 1u);
  write<std::uint8_t>(power, kStatus + 1, 1);
  EXPECT_FALSE(sci.level);
}

TEST_F(PowerTest, EnableBitsThatTheSpecificationDefinesStick) {
  write<std::uint16_t>(power, kEnable, 0xffff);
  EXPECT_EQ(read<std::uint16_t>(power, kEnable), 0x4721);
}

TEST_F(PowerTest, SoftOffNeedsSleepTypeFiveAndSleepEnable) {
  struct Case {
    std::uint16_t value;
    int power_offs;
  };
  constexpr std::uint16_t kS5 = Power::kSleepTypeS5 << Power::kSleepTypeShift;
  constexpr std::uint16_t kS3 = 3 << Power::kSleepTypeShift;
  constexpr Case kCases[] = {
      {kS5, 0}, {kS3 | Power::kSleepEnable, 0}, {Power::kSleepEnable, 0}, {kS5 | Power::kSleepEnable | Power::kSciEnable, 1},
  };
  for (const Case& c : kCases) {
    power.reset();
    power_offs = 0;
    write<std::uint16_t>(power, kControl, c.value);
    EXPECT_EQ(power_offs, c.power_offs) << std::hex << c.value;
  }
}

TEST_F(PowerTest, SleepEnableReadsAsZeroAndSciEnableAsOne) {
  write<std::uint16_t>(power, kControl, (3 << Power::kSleepTypeShift) | Power::kSleepEnable);
  EXPECT_EQ(read<std::uint16_t>(power, kControl), (3 << Power::kSleepTypeShift) | Power::kSciEnable);
}

TEST_F(PowerTest, SoftOffByTheHighByteAlone) {
  write<std::uint8_t>(power, kControl + 1, (Power::kSleepTypeS5 << 2) | 0x20);
  EXPECT_EQ(power_offs, 1);
}

TEST_F(PowerTest, ResetRegisterTakesItsValueOnly) {
  write<std::uint8_t>(power, Power::kResetOffset, 0);
  write<std::uint8_t>(power, Power::kResetOffset, 0xff);
  EXPECT_EQ(resets, 0);
  write<std::uint8_t>(power, Power::kResetOffset, Power::kResetValue);
  EXPECT_EQ(resets, 1);
  EXPECT_EQ(read<std::uint16_t>(power, Power::kResetOffset), 0xff00);
  write<std::uint8_t>(power, Power::kResetOffset + 1, Power::kResetValue);
  EXPECT_EQ(resets, 1);
}

TEST_F(PowerTest, ResetForgetsThePressedButton) {
  write<std::uint16_t>(power, kEnable, Power::kPowerButton);
  power.press_power_button();
  power.reset();
  EXPECT_FALSE(sci.level);
  EXPECT_EQ(read<std::uint32_t>(power, kStatus), 0u);
}

constexpr std::uint64_t kEventStatus = Power::kEventsOffset;
constexpr std::uint64_t kEventEnable = Power::kEventsOffset + 1;

TEST_F(PowerTest, AnEventRaisesTheSciWhileItIsEnabledAndSet) {
  power.raise_event(1);
  EXPECT_EQ(read<std::uint8_t>(power, kEventStatus), 2);
  EXPECT_FALSE(sci.level);
  write<std::uint8_t>(power, kEventEnable, 2);
  EXPECT_TRUE(sci.level);
  write<std::uint8_t>(power, kEventStatus, 1);
  EXPECT_TRUE(sci.level) << "that was another event";
  write<std::uint8_t>(power, kEventStatus, 2);
  EXPECT_FALSE(sci.level);
  EXPECT_EQ(read<std::uint16_t>(power, kEventStatus), 0x0200);
  power.reset();
  EXPECT_EQ(read<std::uint16_t>(power, kEventStatus), 0);
}

TEST(I8042, ProbeFindsABufferThatNeverEmptiesAndNeverBlocksACommand) {
  constexpr std::uint8_t kOutputBufferFull = 1, kInputBufferFull = 2;
  I8042 controller(nullptr);
  const auto status = read<std::uint8_t>(controller, 0);
  EXPECT_TRUE(status & kOutputBufferFull);
  EXPECT_FALSE(status & kInputBufferFull);
}

TEST(I8042, OnlyCommandFeResets) {
  int resets = 0;
  I8042 controller([&] { ++resets; });
  for (unsigned command = 0; command < 256; ++command) write<std::uint8_t>(controller, 0, static_cast<std::uint8_t>(command));
  EXPECT_EQ(resets, 1);
}

TEST(DebugExit, HandsOutEveryByteWritten) {
  std::vector<int> values;
  DebugExit port([&](std::uint8_t value) { values.push_back(value); });
  write<std::uint8_t>(port, 0, 0);
  write<std::uint8_t>(port, 0, 255);
  EXPECT_EQ(values, (std::vector<int>{0, 255}));
  EXPECT_EQ(read<std::uint8_t>(port, 0), 0xff);
}

}  // namespace
}  // namespace strait
