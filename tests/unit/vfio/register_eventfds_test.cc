#include "vfio/register_eventfds.h"

#include <gtest/gtest.h>

#include "base/little_endian.h"
#include "base/log.h"
#include "tests/fakes/fake_device.h"
#include "tests/fakes/fake_io_eventfds.h"

namespace strait::vfio {
namespace {

using test::FakeDevice;
using test::FakeIoEventfds;
using test::Journal;
using test::Lines;

constexpr auto kMemory = GuestWrite::Space::kMemory, kPorts = GuestWrite::Space::kPorts;
constexpr std::uint64_t kHere = 0xc0000000, kThere = 0xc0100000;
constexpr RegisterWrite kMask{.region = 0, .offset = 0x1524, .size = 4, .value = 5};

class RegisterEventfdsTest : public testing::Test {
 protected:
  RegisterEventfdsTest() {
    device_.add_bar(0, 0x4000, FakeDevice::kMemory32);
    device_.add_bar(2, 0x20, FakeDevice::kIo);
    log::set_level(log::Level::kOff);
    registers_.emplace(device_, &io_eventfds_);
  }
  ~RegisterEventfdsTest() override {
    registers_.reset();
    EXPECT_EQ(io_eventfds_.count(), 0u);
    EXPECT_EQ(device_.writes_on_signal(), 0u);
    log::set_level(log::Level::kWarning);
  }

  void write_ten_times(const RegisterWrite& write) {
    for (unsigned i = 0; i < RepeatedWrites::kHits; ++i) registers_->wrote(write);
  }

  Journal journal_;
  FakeDevice device_{test::ConfigBuilder(), &journal_};
  FakeIoEventfds io_eventfds_{journal_};
  std::optional<RegisterEventfds> registers_;
};

TEST_F(RegisterEventfdsTest, TheTenthWriteMakesItTheKernelsBusiness) {
  registers_->place(0, kMemory, kHere);
  for (unsigned i = 0; i < 9; ++i) registers_->wrote(kMask);
  EXPECT_EQ(journal_.take(), Lines{});
  registers_->wrote(kMask);
  EXPECT_EQ(journal_.take(), (Lines{"on signal BAR 0 0x1524/4 <- 0x5", "watch 0xc0001524/4 = 0x5"})) << "the far end first";
  EXPECT_EQ(registers_->made(), 1u);

  EXPECT_FALSE(io_eventfds_.write({kMemory, kHere + 0x1524, 4, 6})) << "another value is trapped";
  ASSERT_TRUE(io_eventfds_.write({kMemory, kHere + 0x1524, 4, 5}));
  device_.make_signalled_writes();
  EXPECT_EQ(load<std::uint32_t>(device_.bar(0), 0x1524), 5u);
}

TEST_F(RegisterEventfdsTest, PortsAreWatchedAsPorts) {
  registers_->place(2, kPorts, 0x1000);
  write_ten_times({.region = 2, .offset = 4, .size = 2, .value = 0xffff});
  EXPECT_EQ(journal_.take(), (Lines{"on signal BAR 2 0x4/2 <- 0xffff", "watch port 0x1004/2 = 0xffff"}));
}

TEST_F(RegisterEventfdsTest, WhenTheBarMovesTheyAreTakenDownAndMadeAnewThere) {
  registers_->place(0, kMemory, kHere);
  write_ten_times(kMask);
  registers_->place(0, kMemory, kHere);
  EXPECT_EQ(io_eventfds_.count(), 1u) << "nothing moved";
  journal_.take();
  registers_->place(0, kMemory, kThere);
  EXPECT_EQ(journal_.take(), (Lines{"unwatch 0xc0001524/4 = 0x5", "no signal BAR 0 0x1524/4 <- 0x5"})) << "the near end first";
  write_ten_times(kMask);
  EXPECT_EQ(journal_.take(), (Lines{"on signal BAR 0 0x1524/4 <- 0x5", "watch 0xc0101524/4 = 0x5"}));
}

TEST_F(RegisterEventfdsTest, WhatWasSignalledBeforeItIsTakenDownIsWritten) {
  registers_->place(0, kMemory, kHere);
  write_ten_times(kMask);
  ASSERT_TRUE(io_eventfds_.write({kMemory, kHere + 0x1524, 4, 5}));
  registers_->remove(0);
  EXPECT_EQ(load<std::uint32_t>(device_.bar(0), 0x1524), 5u);
}

TEST_F(RegisterEventfdsTest, OnlyTheBarThatGoesLosesThem) {
  registers_->place(0, kMemory, kHere);
  registers_->place(2, kPorts, 0x1000);
  write_ten_times(kMask);
  write_ten_times({.region = 2, .offset = 4, .size = 2, .value = 1});
  registers_->remove(0);
  EXPECT_TRUE(io_eventfds_.write({kPorts, 0x1004, 2, 1}));
  EXPECT_FALSE(io_eventfds_.write({kMemory, kHere + 0x1524, 4, 5}));
}

TEST_F(RegisterEventfdsTest, ABarThatAnswersNowhereGetsNone) {
  write_ten_times(kMask);
  registers_->place(0, kMemory, kHere);
  registers_->remove(0);
  write_ten_times(kMask);
  EXPECT_EQ(journal_.take(), Lines{});
}

TEST_F(RegisterEventfdsTest, InAPauseThereIsNone) {
  registers_->place(0, kMemory, kHere);
  registers_->place(2, kPorts, 0x1000);
  write_ten_times(kMask);
  write_ten_times({.region = 2, .offset = 4, .size = 2, .value = 1});
  {
    const auto pause = registers_->pause();
    EXPECT_EQ(io_eventfds_.count() + device_.writes_on_signal(), 0u);
  }
  write_ten_times(kMask);
  EXPECT_TRUE(io_eventfds_.write({kMemory, kHere + 0x1524, 4, 5})) << "the BAR stayed where it was";
}

TEST_F(RegisterEventfdsTest, TheSameWriteIsWatchedOnce) {
  registers_->place(0, kMemory, kHere);
  write_ten_times(kMask);
  write_ten_times(kMask);  // trapped on other vCPUs meanwhile
  EXPECT_EQ(io_eventfds_.count(), 1u);
}

TEST_F(RegisterEventfdsTest, OddWidthsAndMisalignedWritesStayTrapped) {
  registers_->place(0, kMemory, kHere);
  write_ten_times({.region = 0, .offset = 0x100, .size = 3, .value = 0});
  write_ten_times({.region = 0, .offset = 0x102, .size = 4, .value = 0});
  EXPECT_EQ(journal_.take(), Lines{});
  write_ten_times({.region = 0, .offset = 0x108, .size = 8, .value = ~0ull});
  EXPECT_EQ(io_eventfds_.count(), 1u);
}

TEST_F(RegisterEventfdsTest, AFunctionHasABoundedNumber) {
  registers_->place(0, kMemory, kHere);
  for (std::uint64_t offset = 0; offset < 4 * (RegisterEventfds::kMost + 5); offset += 4) write_ten_times({0, offset, 4, 1});
  EXPECT_EQ(io_eventfds_.count(), RegisterEventfds::kMost);
  EXPECT_EQ(registers_->made(), RegisterEventfds::kMost);
}

TEST_F(RegisterEventfdsTest, ADeviceThatCannotLeavesItTrapped) {
  device_.refuses_writes_on_signal = true;
  registers_->place(0, kMemory, kHere);
  write_ten_times(kMask);
  EXPECT_EQ(journal_.take(), (Lines{"on signal BAR 0 0x1524/4 <- 0x5"}));
  EXPECT_EQ(registers_->made(), 0u);
  EXPECT_EQ(registers_->refused(), 1u);
}

TEST_F(RegisterEventfdsTest, AKernelThatCannotLeavesNothingBehind) {
  io_eventfds_.refuses = true;
  registers_->place(0, kMemory, kHere);
  write_ten_times(kMask);
  EXPECT_EQ(journal_.take(), (Lines{"on signal BAR 0 0x1524/4 <- 0x5", "no signal BAR 0 0x1524/4 <- 0x5"}));
  EXPECT_EQ(registers_->refused(), 1u);
}

TEST_F(RegisterEventfdsTest, WhoIsRefusedTooOftenDoesNotAskAgain) {
  device_.refuses_writes_on_signal = true;
  registers_->place(0, kMemory, kHere);
  for (unsigned i = 0; i < RegisterEventfds::kMost + 5; ++i) write_ten_times(kMask);
  EXPECT_EQ(registers_->refused(), RegisterEventfds::kMost);
  EXPECT_EQ(journal_.take().size(), RegisterEventfds::kMost);
}

}  // namespace
}  // namespace strait::vfio
