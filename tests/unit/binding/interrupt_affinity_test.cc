#include "binding/interrupt_affinity.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/syscall.h"
#include "tests/fakes/temporary_directory.h"

namespace strait::binding {
namespace {

class InterruptAffinityTest : public testing::Test {
 protected:
  InterruptAffinityTest() { root_.write("sys/bus/pci/devices/0000:01:10.0/irq", "17\n"); }

  /// An interrupt on all processors.
  void add_line(unsigned interrupt) { root_.write("proc/irq/" + std::to_string(interrupt) + "/smp_affinity_list", "0-7"); }
  void add_message(unsigned interrupt) {
    add_line(interrupt);
    root_.write("sys/bus/pci/devices/0000:01:10.0/msi_irqs/" + std::to_string(interrupt), "msix\n");
  }
  void remove_message(unsigned interrupt) {
    std::filesystem::remove(root_.path() / "sys/bus/pci/devices/0000:01:10.0/msi_irqs" / std::to_string(interrupt));
  }
  std::string affinity(unsigned interrupt) const { return read_text_file(root_.path() / "proc/irq" / std::to_string(interrupt) / "smp_affinity_list"); }

  const test::TemporaryDirectory root_;
  const host::Bdf bdf_ = host::Bdf::parse("0000:01:10.0");
  InterruptAffinity placed_{bdf_, {2, 3}, root_.path() / "sys", root_.path() / "proc"};
};

TEST_F(InterruptAffinityTest, MessagesAreMovedWhenTheyCome) {
  EXPECT_NO_THROW(placed_.place_messages()) << "there are none";
  add_message(40);
  placed_.place_messages();
  EXPECT_EQ(affinity(40), "2-3");
  add_line(40);  // somebody moves it
  add_message(41);
  placed_.place_messages();
  EXPECT_EQ(affinity(40), "0-7") << "once is enough";
  EXPECT_EQ(affinity(41), "2-3");
}

TEST_F(InterruptAffinityTest, ANumberThatWasGivenBackIsAnotherInterrupt) {
  add_message(40);
  placed_.place_messages();
  placed_.forget_messages();
  remove_message(40);
  add_message(40);
  placed_.place_messages();
  EXPECT_EQ(affinity(40), "2-3");
}

TEST_F(InterruptAffinityTest, ThePinsIsPutBack) {
  add_line(17);
  placed_.place_pin();
  EXPECT_EQ(affinity(17), "2-3");
  placed_.place_pin();
  placed_.put_back_pin();
  EXPECT_EQ(affinity(17), "0-7");
  {
    InterruptAffinity other(bdf_, {1}, root_.path() / "sys", root_.path() / "proc");
    other.place_pin();
  }
  EXPECT_EQ(affinity(17), "0-7") << "with its owner, too";
}

TEST_F(InterruptAffinityTest, ALineThatIsSharedStays) {
  add_line(17);
  root_.write("proc/irq/17/vfio-intx(0000:01:10.0)/keep", "");
  root_.write("proc/irq/17/eth0/keep", "");
  placed_.place_pin();
  EXPECT_EQ(affinity(17), "0-7");
  placed_.put_back_pin();
  EXPECT_EQ(affinity(17), "0-7");
}

TEST_F(InterruptAffinityTest, ALineThatSomebodyMovedMeanwhileIsTheirs) {
  add_line(17);
  placed_.place_pin();
  root_.write("proc/irq/17/smp_affinity_list", "5");
  placed_.put_back_pin();
  EXPECT_EQ(affinity(17), "5");
}

TEST_F(InterruptAffinityTest, WhatIsNotThereIsMovedWhenItIs) {
  root_.write("sys/bus/pci/devices/0000:01:10.0/msi_irqs/50", "msix\n");
  EXPECT_NO_THROW(placed_.place_messages()) << "allocated, and not yet in use";
  EXPECT_NO_THROW(placed_.place_pin());
  add_line(50);
  placed_.place_messages();
  EXPECT_EQ(affinity(50), "2-3");
}

}  // namespace
}  // namespace strait::binding
