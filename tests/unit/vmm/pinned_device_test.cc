#include "vmm/pinned_device.h"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <string>

#include "base/syscall.h"
#include "tests/fakes/fake_device.h"
#include "tests/fakes/temporary_directory.h"

namespace strait {
namespace {

/// A device whose interrupts the host's kernel numbers as Linux does: the lowest that are free, on all processors.
class PinnedDeviceTest : public testing::Test {
 protected:
  PinnedDeviceTest() {
    device_.set_msix(4, true);
    device_.set_intx();
    root_.write("sys/bus/pci/devices/0000:01:10.0/irq", "17\n");
    root_.write("proc/irq/17/smp_affinity_list", "0-7");
    root_.write("proc/irq/17/vfio-intx(0000:01:10.0)/spurious", "");
  }

  int enable_msix() {
    const std::array<int, 1> eventfds{eventfd_.get()};
    root_.write("sys/bus/pci/devices/0000:01:10.0/msi_irqs/40", "msix\n");
    root_.write("proc/irq/40/smp_affinity_list", "0-7");
    return pinned_.set_irqs(vfio::IrqIndex::kMsix, 0, eventfds);
  }
  void disable_msix() {
    pinned_.disable_irqs(vfio::IrqIndex::kMsix);
    std::filesystem::remove(root_.path() / "sys/bus/pci/devices/0000:01:10.0/msi_irqs/40");
    std::filesystem::remove_all(root_.path() / "proc/irq/40");
  }
  std::string affinity(unsigned interrupt) const { return read_text_file(root_.path() / "proc/irq" / std::to_string(interrupt) / "smp_affinity_list"); }

  const test::TemporaryDirectory root_;
  const UniqueFd eventfd_ = make_eventfd();
  test::FakeDevice device_{test::ConfigBuilder()};
  PinnedDevice pinned_{device_, host::Bdf::parse("0000:01:10.0"), {2, 3}, root_.path() / "sys", root_.path() / "proc"};
};

/// A driver that is loaded anew, or a guest that suspends: the number is the same, the interrupt is not.
TEST_F(PinnedDeviceTest, MessagesAreMovedEachTimeTheyAreEnabled) {
  for (int time = 0; time < 3; ++time) {
    ASSERT_EQ(enable_msix(), 0);
    EXPECT_EQ(affinity(40), "2-3") << time;
    disable_msix();
  }
}

TEST_F(PinnedDeviceTest, ThePinsLineIsItsOwnOnlyWhileItIsUsed) {
  const std::array<int, 1> eventfds{eventfd_.get()};
  ASSERT_EQ(pinned_.set_irqs(vfio::IrqIndex::kIntx, 0, eventfds), 0);
  EXPECT_EQ(affinity(17), "2-3");
  pinned_.disable_irqs(vfio::IrqIndex::kIntx);
  EXPECT_EQ(affinity(17), "0-7");
}

TEST_F(PinnedDeviceTest, WhatTheHostRefusesMovesNothing) {
  device_.gone = true;
  EXPECT_NE(enable_msix(), 0);
  EXPECT_EQ(affinity(40), "0-7");
}

}  // namespace
}  // namespace strait
