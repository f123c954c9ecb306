// Trapped registers that the guest writes again and again, as part of a whole function: when the kernel has them, and when it loses them.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/log.h"
#include "tests/fakes/config_access.h"
#include "tests/fakes/fake_device.h"
#include "tests/fakes/fake_interrupt_router.h"
#include "tests/fakes/fake_io_eventfds.h"
#include "tests/fakes/fake_memory_slots.h"
#include "vfio/assigned_function.h"

namespace strait::vfio {
namespace {

using test::ConfigBuilder;
using test::FakeDevice;
using test::FakeInterruptRouter;
using test::FakeIoEventfds;
using test::FakeMemorySlots;
using test::Journal;
using test::Lines;

constexpr std::uint16_t kPower = 0x40, kMsix = 0x70, kExpress = 0xa0;
/// Where the guest's BAR 0 is at first, and a register in it.
constexpr std::uint64_t kBar0 = 0xc0000000, kRegister = 0x100;
/// MSI-X table and PBA are in BAR 0, too.
constexpr std::uint32_t kTable = 0x1000, kPba = 0x1800;

class TrappedRegisters : public testing::Test {
 protected:
  TrappedRegisters() {
    log::set_level(log::Level::kOff);
    device_.add_bar(0, 0x4000, FakeDevice::kMemory32);
    device_.set_msix(3, true);
    open({.rom = false, .rom_contents = {}, .direct = false});
  }
  ~TrappedRegisters() override {
    device_.on_config_write = nullptr;  // what it is about is gone
    log::set_level(log::Level::kWarning);
  }

  void open(FunctionOptions options) {
    function_.emplace(device_, FunctionHost{slots_, slots_, mmio_, ports_, router_, {}, {}, &io_eventfds_}, std::move(options));
    pci::BarAllocator allocator({Gpa(kBar0), 0x20000000}, {});
    function_->assign_addresses(allocator);
    write<std::uint16_t>(PCI_COMMAND, PCI_COMMAND_MEMORY);
  }
  template <typename T>
  void write(std::uint16_t offset, std::type_identity_t<T> value) {
    test::write_config<T>(*function_, offset, value);
  }
  void write_ten_times(std::uint64_t address) {
    const std::array<std::uint8_t, 4> one = {1, 0, 0, 0};
    for (unsigned i = 0; i < 10; ++i) mmio_.write(address, one);
  }
  /// Whether the kernel takes a write of 1 there.
  bool taken(std::uint64_t address) { return io_eventfds_.write({GuestWrite::Space::kMemory, address, 4, 1}); }

  Journal journal_;
  FakeDevice device_{ConfigBuilder().power(kPower).msix(kMsix, 3, kTable, kPba).express(kExpress), &journal_};
  FakeMemorySlots slots_{journal_};
  FakeInterruptRouter router_{journal_};
  FakeIoEventfds io_eventfds_{journal_};
  Bus mmio_, ports_;
  std::optional<AssignedFunction> function_;
};

TEST_F(TrappedRegisters, TheKernelTakesOneThatIsWrittenAgainAndAgain) {
  write_ten_times(kBar0 + kRegister);
  EXPECT_TRUE(taken(kBar0 + kRegister));
  EXPECT_EQ(function_->statistics().ioeventfds, 1u);
  function_.reset();
  EXPECT_EQ(io_eventfds_.count(), 0u);
  EXPECT_EQ(device_.writes_on_signal(), 0u);
}

TEST_F(TrappedRegisters, MsixTableAndPbaAreNoRegisters) {
  write_ten_times(kBar0 + kTable);
  write_ten_times(kBar0 + kPba);
  EXPECT_EQ(io_eventfds_.count(), 0u);
  write_ten_times(kBar0 + kTable + 0x100);
  EXPECT_TRUE(taken(kBar0 + kTable + 0x100)) << "a register beside them is one";
}

TEST_F(TrappedRegisters, ThoseInTheTablesPageAreTrappedWhileTheRestIsDirect) {
  open({});
  write_ten_times(kBar0 + kTable + 0x100);
  EXPECT_TRUE(taken(kBar0 + kTable + 0x100));
}

TEST_F(TrappedRegisters, WithoutMemoryEnableTheyAreNobodys) {
  write_ten_times(kBar0 + kRegister);
  write<std::uint16_t>(PCI_COMMAND, 0);
  EXPECT_EQ(io_eventfds_.count(), 0u);
  EXPECT_EQ(device_.writes_on_signal(), 0u);
  write<std::uint16_t>(PCI_COMMAND, PCI_COMMAND_MEMORY);
  write_ten_times(kBar0 + kRegister);
  EXPECT_TRUE(taken(kBar0 + kRegister));
}

TEST_F(TrappedRegisters, TheyGoWhereTheBarGoes) {
  write_ten_times(kBar0 + kRegister);
  write<std::uint32_t>(PCI_BASE_ADDRESS_0, 0xd0000000);
  EXPECT_FALSE(taken(kBar0 + kRegister));
  write_ten_times(0xd0000000 + kRegister);
  EXPECT_TRUE(taken(0xd0000000 + kRegister));
}

TEST_F(TrappedRegisters, ASleepingFunctionHasNone) {
  write_ten_times(kBar0 + kRegister);
  write<std::uint16_t>(kPower + PCI_PM_CTRL, 3);
  EXPECT_EQ(io_eventfds_.count(), 0u);
}

TEST_F(TrappedRegisters, AResetTakesThemDownBeforeTheDeviceHearsOfIt) {
  write_ten_times(kBar0 + kRegister);
  std::size_t left = 1;
  device_.on_config_write = [&](std::uint64_t, std::span<const std::uint8_t>) { left = io_eventfds_.count() + device_.writes_on_signal(); };
  write<std::uint16_t>(kExpress + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR);
  EXPECT_EQ(left, 0u);
}

/// The kernel makes a signalled write later, and several of them as one, while it has the function's memory locked: as one vCPU writes to
/// Command or sets up an interrupt, what another writes would arrive out of order.
class SignalledWritesAreNeverPutOff : public TrappedRegisters {
 protected:
  SignalledWritesAreNeverPutOff() {
    write_ten_times(kBar0 + kRegister);
    journal_.take();
  }
  void unmask(unsigned vector, bool on) {
    const std::array<std::uint8_t, 4> control = {on ? std::uint8_t{0} : std::uint8_t{1}};
    mmio_.write(kBar0 + kTable + 16 * vector + 12, control);
  }
  static Lines after_take_down(const std::string& line) {
    return {"unwatch 0xc0000100/4 = 0x1", "no signal BAR 0 0x100/4 <- 0x1", line};
  }
};

TEST_F(SignalledWritesAreNeverPutOff, ByAWriteToCommand) {
  write<std::uint16_t>(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
  EXPECT_EQ(journal_.take(), after_take_down("config 0x4 <- 0x0006"));
  write_ten_times(kBar0 + kRegister);
  EXPECT_TRUE(taken(kBar0 + kRegister)) << "afterwards it is made anew";
}

TEST_F(SignalledWritesAreNeverPutOff, ByAWriteToThePowerState) {
  write<std::uint16_t>(kPower + PCI_PM_CTRL, 0);
  EXPECT_EQ(journal_.take(), after_take_down("config 0x44 <- 0x0000"));
}

TEST_F(SignalledWritesAreNeverPutOff, ByAnInterruptThatIsSetUpOrTurnedOff) {
  write<std::uint16_t>(kMsix + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE);
  Lines lines = journal_.take();
  EXPECT_EQ(lines, after_take_down("irqs 2 from 0: none"));

  write_ten_times(kBar0 + kRegister);
  journal_.take();
  unmask(0, true);
  lines = journal_.take();
  ASSERT_GE(lines.size(), 3u);
  EXPECT_EQ(Lines(lines.end() - 3, lines.end()), after_take_down("irqs 2 from 0: eventfd"));

  write_ten_times(kBar0 + kRegister);
  journal_.take();
  write<std::uint16_t>(kMsix + PCI_MSIX_FLAGS, 0);
  lines = journal_.take();
  const auto off = std::ranges::find(lines, "irqs 2 off");
  ASSERT_GE(off - lines.begin(), 2);
  EXPECT_EQ(Lines(off - 2, off + 1), after_take_down("irqs 2 off"));
}

TEST_F(SignalledWritesAreNeverPutOff, AndWhatLocksNothingLeavesThem) {
  write<std::uint16_t>(kMsix + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE);
  unmask(0, true);
  write_ten_times(kBar0 + kRegister);
  unmask(0, false);
  unmask(0, true);
  write<std::uint8_t>(PCI_COMMAND + 1, 0);
  write<std::uint8_t>(PCI_INTERRUPT_LINE, 9);
  EXPECT_TRUE(taken(kBar0 + kRegister));
}

TEST_F(SignalledWritesAreNeverPutOff, OneThatIsMadeMeanwhileWaits) {
  std::jthread other;
  std::size_t meanwhile = 1;
  device_.on_config_write = [&](std::uint64_t, std::span<const std::uint8_t>) {
    other = std::jthread([this] { write_ten_times(kBar0 + kRegister); });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    meanwhile = io_eventfds_.count();
  };
  write<std::uint16_t>(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
  other.join();
  EXPECT_EQ(meanwhile, 0u);
  EXPECT_EQ(io_eventfds_.count(), 1u);
}

TEST_F(TrappedRegisters, ADeviceThatIsGoneLosesThem) {
  write_ten_times(kBar0 + kRegister);
  device_.gone = true;
  function_->handle_fault(false);
  EXPECT_EQ(io_eventfds_.count(), 0u);
}

}  // namespace
}  // namespace strait::vfio
