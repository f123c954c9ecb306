// What an assigned function tells of how far its guest has come.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "base/log.h"
#include "tests/fakes/config_access.h"
#include "tests/fakes/fake_device.h"
#include "tests/fakes/fake_interrupt_router.h"
#include "tests/fakes/fake_memory_slots.h"
#include "vfio/assigned_function.h"

namespace strait::vfio {
namespace {

using test::ConfigBuilder;
using test::FakeDevice;
using test::FakeInterruptRouter;
using test::FakeMemorySlots;
using Answers = BarFacts::Answers;

constexpr std::uint16_t kPower = 0x40, kMsi = 0x50, kMsix = 0x70, kExpress = 0xa0;
constexpr std::uint64_t kBar0 = 0xc0000000, kBar3 = 0x4000000000;

/// Registers in BAR 0, MSI-X table and PBA in pages of BAR 3, MSI, a pin, and function-level reset.
class FunctionFactsTest : public testing::Test {
 protected:
  FunctionFactsTest() {
    log::set_level(log::Level::kOff);
    device_.add_bar(0, 0x4000, FakeDevice::kMemory32);
    device_.add_bar(3, 0x4000, FakeDevice::kPrefetchable64);
    device_.set_intx();
    device_.set_msi(1);
    device_.set_msix(3, true);
  }
  ~FunctionFactsTest() override {
    function_.reset();
    log::set_level(log::Level::kWarning);
  }

  void open() {
    const FunctionInterrupts::Pins pins{Gsi{17}, Gsi{18}, Gsi{19}, Gsi{20}};
    function_.emplace(device_, FunctionHost{slots_, slots_, mmio_, ports_, router_, pins, [this] { return before_bus_mastering_(); }});
    pci::BarAllocator allocator({Gpa(kBar0), 0x20000000}, {Gpa(kBar3), 0x1000000000}, {Gpa(0x1000), 0xf000});
    function_->assign_addresses(allocator);
  }
  template <typename T>
  void write(std::uint16_t offset, std::type_identity_t<T> value) {
    test::write_config<T>(*function_, offset, value);
  }
  void write_table(std::uint64_t offset, std::uint32_t value) {
    std::array<std::uint8_t, 4> data{};
    store(std::span<std::uint8_t>(data), 0, value);
    mmio_.write(kBar3 + offset, data);
  }
  FunctionFacts facts() const { return function_->facts().value(); }

  test::Journal journal_;
  FakeDevice device_{ConfigBuilder()
                         .set32(PCI_CLASS_REVISION, 0x02000001)
                         .set8(PCI_INTERRUPT_PIN, 1)
                         .power(kPower)
                         .msi(kMsi)
                         .msix(kMsix, 3, 3, 0x2000 | 3)
                         .express(kExpress),
                     &journal_};
  FakeMemorySlots slots_{journal_};
  FakeInterruptRouter router_{journal_};
  Bus mmio_, ports_;
  std::function<bool()> before_bus_mastering_ = [] { return true; };
  std::optional<AssignedFunction> function_;
};

TEST_F(FunctionFactsTest, AtFirstTheGuestHasSeenNothing) {
  open();
  EXPECT_EQ(facts().vendor, 0x8086);
  EXPECT_EQ(facts().device, 0x10ca);
  EXPECT_EQ(facts().device_class, 0x020000u);
  EXPECT_EQ(facts().config_accesses, 0u);
  EXPECT_FALSE(facts().since_seen);
  EXPECT_TRUE(facts().present);
  EXPECT_EQ(facts().command, 0);
  EXPECT_EQ(facts().power_state, 0u);
}

TEST_F(FunctionFactsTest, ItIsSeenOnceItsIdentifiersAreRead) {
  open();
  test::read_config<std::uint8_t>(*function_, PCI_HEADER_TYPE);
  EXPECT_FALSE(facts().since_seen);
  test::read_config<std::uint32_t>(*function_, PCI_VENDOR_ID);
  ASSERT_TRUE(facts().since_seen);
  EXPECT_LT(*facts().since_seen, std::chrono::minutes(1));
  EXPECT_EQ(facts().config_accesses, 2u);
}

TEST_F(FunctionFactsTest, BarsAnswerWhileTheyAreDecoded) {
  open();
  ASSERT_EQ(facts().bars.size(), 2u);
  EXPECT_EQ(facts().bars[0].address, kBar0);
  EXPECT_EQ(facts().bars[0].answers, Answers::kNowhere);
  write<std::uint16_t>(PCI_COMMAND, PCI_COMMAND_MEMORY);
  EXPECT_EQ(facts().command, PCI_COMMAND_MEMORY);
  EXPECT_EQ(facts().bars[0], (BarFacts{.number = 0,
                                       .shape = {.kind = pci::BarKind::kMemory32, .prefetchable = false, .size = 0x4000},
                                       .address = kBar0,
                                       .answers = Answers::kEverywhere,
                                       .direct = true}));
  EXPECT_EQ(facts().bars[1].number, 3u);
}

TEST_F(FunctionFactsTest, ABarWhereSomethingElseIsAnswersInPartOnly) {
  open();
  void* memory = ::aligned_alloc(kPageSize, kPageSize);
  slots_.add(Gpa(kBar0 + 0x1000), {static_cast<std::uint8_t*>(memory), kPageSize});
  write<std::uint16_t>(PCI_COMMAND, PCI_COMMAND_MEMORY);
  EXPECT_EQ(facts().bars[0].answers, Answers::kPartly);
  ::free(memory);
}

TEST_F(FunctionFactsTest, PowerStateResetsAndWithdrawnMappingsAreTold) {
  open();
  write<std::uint16_t>(PCI_COMMAND, PCI_COMMAND_MEMORY);
  write<std::uint16_t>(kPower + PCI_PM_CTRL, 3);
  EXPECT_EQ(facts().power_state, 3u);
  write<std::uint16_t>(kPower + PCI_PM_CTRL, 0);
  write<std::uint16_t>(kExpress + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR);
  EXPECT_EQ(facts().resets, 1u);
  write<std::uint16_t>(PCI_COMMAND, PCI_COMMAND_MEMORY);
  EXPECT_FALSE(facts().withdrawn);
  function_->handle_fault(true);
  EXPECT_TRUE(facts().withdrawn);
}

TEST_F(FunctionFactsTest, MsixIsToldByWhatTheGuestUnmasked) {
  open();
  write<std::uint16_t>(PCI_COMMAND, PCI_COMMAND_MEMORY);
  EXPECT_TRUE(facts().has_intx);
  EXPECT_TRUE(facts().intx_on);
  EXPECT_EQ(facts().msix, MessageFacts{.vectors = 3});
  write<std::uint16_t>(kMsix + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
  write_table(0x00, 0xfee00000);
  write_table(0x0c, 0);
  EXPECT_FALSE(facts().intx_on);
  EXPECT_EQ(facts().msix, (MessageFacts{.vectors = 3, .enabled = true, .function_masked = true, .unmasked = 1}));
  write<std::uint16_t>(kMsix + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE);
  EXPECT_EQ(facts().msix, (MessageFacts{.vectors = 3, .enabled = true, .unmasked = 1, .connected = 1, .working = 1}));
  write_table(0x0c, 1);
  EXPECT_EQ(facts().msix, (MessageFacts{.vectors = 3, .enabled = true}));
}

TEST_F(FunctionFactsTest, AVectorWithoutARouteDoesNotWork) {
  open();
  router_.limit = 0;
  write<std::uint16_t>(PCI_COMMAND, PCI_COMMAND_MEMORY);
  write<std::uint16_t>(kMsix + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE);
  write_table(0x0c, 0);
  EXPECT_EQ(facts().msix, (MessageFacts{.vectors = 3, .enabled = true, .unmasked = 1, .connected = 1, .working = 0}));
}

TEST_F(FunctionFactsTest, AVectorWithoutAHostInterruptDoesNotWork) {
  device_.set_msix(3, true, 1);
  open();
  write<std::uint16_t>(PCI_COMMAND, PCI_COMMAND_MEMORY);
  write<std::uint16_t>(kMsix + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE);
  write_table(0x0c, 0);
  write_table(0x1c, 0);
  EXPECT_EQ(facts().msix.connected, 2u);
  EXPECT_EQ(facts().msix.working, 1u);
}

TEST_F(FunctionFactsTest, MsiIsTold) {
  open();
  EXPECT_EQ(facts().msi, MessageFacts{.vectors = 1});
  write<std::uint16_t>(kMsi + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE);
  EXPECT_EQ(facts().msi.enabled, true);
  EXPECT_EQ(facts().msi.working, facts().msi.connected);
  EXPECT_EQ(facts().msi.connected, 1u);
}

TEST_F(FunctionFactsTest, ADeviceThatIsGoneIsNotPresent) {
  open();
  device_.gone = true;
  EXPECT_FALSE(facts().present);
  device_.gone = false;
}

/// That of bus mastering lasts as long as the mapping of the guest's memory: whoever asks is not kept.
TEST_F(FunctionFactsTest, NothingIsToldInTheMiddleOfAnAccess) {
  std::promise<void> entered, mapped;
  before_bus_mastering_ = [&] {
    entered.set_value();
    mapped.get_future().wait();
    return true;
  };
  open();
  std::thread guest([this] { write<std::uint16_t>(PCI_COMMAND, PCI_COMMAND_MASTER); });
  entered.get_future().wait();
  EXPECT_FALSE(function_->facts());
  mapped.set_value();
  guest.join();
  EXPECT_EQ(facts().command, PCI_COMMAND_MASTER);
}

}  // namespace
}  // namespace strait::vfio
