#include "vfio/assigned_function.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/little_endian.h"
#include "base/log.h"
#include "devices/pci/capabilities.h"
#include "tests/fakes/config_access.h"
#include "tests/fakes/fake_device.h"
#include "tests/fakes/fake_memory_slots.h"
#include "tests/fakes/fake_interrupt_router.h"
#include "tests/unit/error_of.h"

namespace strait::vfio {
namespace {

using test::ConfigBuilder;
using test::error_of;
using test::FakeDevice;
using test::FakeMemorySlots;
using test::FakeInterruptRouter;
using test::Journal;
using test::Lines;
using testing::HasSubstr;

constexpr std::uint16_t kPower = 0x40, kMsi = 0x50, kMsix = 0x70, kExpress = 0xa0;
constexpr std::uint16_t kCommand = PCI_COMMAND, kPowerControl = kPower + PCI_PM_CTRL, kDeviceControl = kExpress + PCI_EXP_DEVCTL;
/// Where the allocator below puts the two BARs.
constexpr FunctionInterrupts::Pins kPins{Gsi{17}, Gsi{18}, Gsi{19}, Gsi{20}};
constexpr std::uint64_t kBar0 = 0xc0000000, kBar3 = 0x4000000000;

ConfigBuilder igbvf_like() {
  return ConfigBuilder()
      .power(kPower)
      .msi(kMsi)
      .msix(kMsix, 3, 3, 0x2000 | 3)
      .express(kExpress)
      .set8(PCI_INTERRUPT_PIN, 1)
      .extended(PCI_EXT_CAP_ID_ERR, 0x100)
      .extended(PCI_EXT_CAP_ID_ARI, 0x150);
}

/// A device like igb's virtual functions: registers in BAR 0, MSI-X table and PBA in pages of BAR 3.
class AssignedFunctionTest : public testing::Test {
 protected:
  explicit AssignedFunctionTest(const ConfigBuilder& config = igbvf_like()) : device_(config, &journal_) {
    log::set_level(log::Level::kOff);
    device_.add_bar(0, 0x4000, FakeDevice::kMemory32);
    device_.add_bar(3, 0x4000, FakeDevice::kPrefetchable64);
    device_.set_msix(3, true);
  }
  ~AssignedFunctionTest() override {
    function_.reset();
    EXPECT_TRUE(slots_.placed.empty());
    EXPECT_EQ(router_.broken_rule, "");
    log::set_level(log::Level::kWarning);
  }

  void open() {
    function_.emplace(device_, FunctionHost{slots_, slots_, mmio_, ports_, router_, kPins, [this] { return before_bus_mastering(); }});
    pci::BarAllocator allocator({Gpa(0xc0000000), 0x20000000}, {Gpa(0x4000000000), 0x1000000000}, {Gpa(0x1000), 0xf000});
    function_->assign_addresses(allocator);
    journal_.take();
  }
  bool before_bus_mastering() {
    journal_.add("before bus mastering");
    return allows_bus_mastering_;
  }

  template <typename T>
  T read(std::uint16_t offset) {
    return test::read_config<T>(*function_, offset);
  }
  template <typename T>
  void write(std::uint16_t offset, std::type_identity_t<T> value) {
    test::write_config<T>(*function_, offset, value);
  }
  std::uint32_t read_memory(std::uint64_t address) {
    std::array<std::uint8_t, 4> data{};
    mmio_.read(address, data);
    return load<std::uint32_t>(data);
  }
  void write_memory(std::uint64_t address, std::uint32_t value) {
    std::array<std::uint8_t, 4> data{};
    store(std::span<std::uint8_t>(data), 0, value);
    mmio_.write(address, data);
  }
  bool slot_at(std::uint64_t address) const {
    for (const auto& [slot, placed] : slots_.placed) {
      if (placed.range.contains(Gpa(address))) return true;
    }
    return false;
  }
  void enable_memory() {
    write<std::uint16_t>(kCommand, 2);
    journal_.take();
  }

  Journal journal_;
  FakeDevice device_;
  FakeMemorySlots slots_{journal_};
  FakeInterruptRouter router_{journal_};
  Bus mmio_, ports_;
  bool allows_bus_mastering_ = true;
  std::optional<AssignedFunction> function_;
};

TEST_F(AssignedFunctionTest, OpeningItSizesTheBarsAndTurnsDecodingOff) {
  device_.config().set<std::uint16_t>(kCommand, 6);
  open();
  EXPECT_EQ(device_.config().get<std::uint16_t>(kCommand), 0);
  EXPECT_EQ(read<std::uint32_t>(PCI_BASE_ADDRESS_0), kBar0);
  EXPECT_EQ(read<std::uint32_t>(PCI_BASE_ADDRESS_3), 0xcu) << "64-bit, prefetchable";
  EXPECT_EQ(read<std::uint32_t>(PCI_BASE_ADDRESS_4), kBar3 >> 32);
  EXPECT_TRUE(slots_.placed.empty());
}

TEST_F(AssignedFunctionTest, TheDevicesDmaEndsWithIt) {
  open();
  write<std::uint16_t>(kCommand, 6);
  ASSERT_EQ(device_.config().get<std::uint16_t>(kCommand), 6);
  function_.reset();
  EXPECT_EQ(device_.config().get<std::uint16_t>(kCommand), 0);
}

TEST_F(AssignedFunctionTest, ADeviceThatDoesNotAnswerIsRefusedWithARemedy) {
  device_.gone = true;
  EXPECT_EQ(error_of([&] { open(); }),
            "0000:01:10.0 does not answer; check that its physical function is up and not being reset");
}

TEST_F(AssignedFunctionTest, ATableOutsideItsBarIsRefused) {
  device_.config().set<std::uint32_t>(kMsix + 4, 0x4000 | 3);
  EXPECT_THAT(error_of([&] { open(); }), HasSubstr("places its MSI-X table or PBA outside its BARs"));
  device_.config().set<std::uint32_t>(kMsix + 4, 5);
  EXPECT_THAT(error_of([&] { open(); }), HasSubstr("outside its BARs")) << "a BAR that it does not have";
  device_.config().set<std::uint32_t>(kMsix + 4, 7);
  EXPECT_THAT(error_of([&] { open(); }), HasSubstr("outside its BARs")) << "a BAR that nobody has";
}

TEST_F(AssignedFunctionTest, WindowsThatAreTooSmallAreAnError) {
  function_.emplace(device_, FunctionHost{slots_, slots_, mmio_, ports_, router_, kPins, {}});
  pci::BarAllocator allocator({Gpa(0xc0000000), 0x2000}, {});
  EXPECT_THAT(error_of([&] { function_->assign_addresses(allocator); }), HasSubstr("BAR 0 of 0000:01:10.0 needs 16384 bytes"));
}

TEST_F(AssignedFunctionTest, MemoryEnableMakesTheBarsAnswer) {
  open();
  write<std::uint16_t>(kCommand, 2);
  EXPECT_EQ(journal_.take(),
            (Lines{"config 0x4 <- 0x0002", "map BAR 0 0x0/0x4000", "slot + 0xc0000000/0x4000", "map BAR 3 0x1000/0x1000",
                   "map BAR 3 0x3000/0x1000", "slot + 0x4000001000/0x1000", "slot + 0x4000003000/0x1000"}));
  EXPECT_EQ(read<std::uint16_t>(kCommand), 2);
}

TEST_F(AssignedFunctionTest, ClearingMemoryEnableUnmapsBeforeTheDeviceSeesTheWrite) {
  open();
  enable_memory();
  write<std::uint16_t>(kCommand, 0);
  EXPECT_EQ(journal_.take(), (Lines{"slot - 0xc0000000", "slot - 0x4000001000", "slot - 0x4000003000", "config 0x4 <- 0x0000"}));
  EXPECT_EQ(read_memory(kBar3), 0xffffffffu) << "the trapped pages are gone as well";
}

TEST_F(AssignedFunctionTest, CommandCountsInAnyWidth) {
  open();
  write<std::uint8_t>(kCommand, 2);
  EXPECT_TRUE(slot_at(kBar0));
  write<std::uint32_t>(kCommand, 0);
  EXPECT_FALSE(slot_at(kBar0));
  write<std::uint32_t>(kCommand, 6);
  EXPECT_TRUE(slot_at(kBar0));
  write<std::uint8_t>(kCommand + 1, 4);
  EXPECT_TRUE(slot_at(kBar0)) << "the upper byte says nothing of decoding";
}

TEST_F(AssignedFunctionTest, LeavingD0UnmapsFirstAndComingBackMapsAgain) {
  open();
  enable_memory();
  write<std::uint16_t>(kPowerControl, 3);
  EXPECT_EQ(journal_.take(), (Lines{"slot - 0xc0000000", "slot - 0x4000001000", "slot - 0x4000003000", "config 0x44 <- 0x0003"}));
  write<std::uint16_t>(kPowerControl, 0);
  EXPECT_TRUE(slot_at(kBar0));
}

TEST_F(AssignedFunctionTest, AFunctionLevelResetUnmapsFirst) {
  open();
  enable_memory();
  device_.on_config_write = [&](std::uint64_t offset, std::span<const std::uint8_t> data) {
    if (offset == kDeviceControl && (data[1] & 0x80) != 0) {
      EXPECT_TRUE(slots_.placed.empty()) << "a mapping while the device is reset";
      device_.config().set<std::uint16_t>(kCommand, 0);  // what a reset does
    }
  };
  write<std::uint16_t>(kDeviceControl, 0x8010);
  EXPECT_FALSE(slot_at(kBar0)) << "Memory Enable is off after the reset";
  write<std::uint16_t>(kCommand, 2);
  EXPECT_TRUE(slot_at(kBar0));
}

TEST_F(AssignedFunctionTest, BarsMoveWhileMemoryEnableIsSet) {
  open();
  enable_memory();
  write<std::uint32_t>(PCI_BASE_ADDRESS_0, 0xd0000000);
  EXPECT_EQ(journal_.take(), (Lines{"slot - 0xc0000000", "slot + 0xd0000000/0x4000"})) << "the device's own BAR is the host's";
  EXPECT_EQ(read<std::uint32_t>(PCI_BASE_ADDRESS_0), 0xd0000000u);
}

TEST_F(AssignedFunctionTest, BarsMoveSilentlyWhileMemoryEnableIsClear) {
  open();
  write<std::uint32_t>(PCI_BASE_ADDRESS_0, 0xd0000000);
  EXPECT_EQ(journal_.take(), Lines{});
  enable_memory();
  EXPECT_TRUE(slot_at(0xd0000000));
  EXPECT_FALSE(slot_at(kBar0));
}

TEST_F(AssignedFunctionTest, SizingABarWhileItIsDecodedPutsItBack) {
  open();
  enable_memory();
  write<std::uint32_t>(PCI_BASE_ADDRESS_0, 0xffffffff);
  EXPECT_EQ(read<std::uint32_t>(PCI_BASE_ADDRESS_0), 0xffffc000u);
  write<std::uint32_t>(PCI_BASE_ADDRESS_0, kBar0);
  EXPECT_TRUE(slot_at(kBar0));
  write<std::uint32_t>(PCI_BASE_ADDRESS_3, 0xffffffff);
  write<std::uint32_t>(PCI_BASE_ADDRESS_4, 0xffffffff);
  EXPECT_EQ(read<std::uint32_t>(PCI_BASE_ADDRESS_3), 0xffffc00cu);
  EXPECT_EQ(read<std::uint32_t>(PCI_BASE_ADDRESS_4), 0xffffffffu);
}

TEST_F(AssignedFunctionTest, ABarAtZeroIsNotPlaced) {
  open();
  enable_memory();
  write<std::uint32_t>(PCI_BASE_ADDRESS_0, 0);
  EXPECT_FALSE(slot_at(0));
}

TEST_F(AssignedFunctionTest, ABarThatWasInAnothersWayIsNotOnceItHasGone) {
  device_.add_bar(1, 0x4000, FakeDevice::kMemory32);
  open();
  enable_memory();
  const std::uint32_t first = read<std::uint32_t>(PCI_BASE_ADDRESS_0), second = read<std::uint32_t>(PCI_BASE_ADDRESS_1);
  write<std::uint32_t>(PCI_BASE_ADDRESS_0, second);
  EXPECT_FALSE(slot_at(first)) << "taken: it answers nowhere";
  write<std::uint32_t>(PCI_BASE_ADDRESS_1, first);
  EXPECT_EQ(slots_.placed.size(), 4u) << "they have changed places";
  device_.bar(0)[8] = 0x50;
  device_.bar(1)[8] = 0x51;
  for (const auto& [slot, placed] : slots_.placed) {
    const std::uint64_t start = placed.range.start.value;
    if (start < kBar3) {
      EXPECT_EQ(placed.host[8], start == first ? 0x51 : 0x50);
    }
  }
}

TEST_F(AssignedFunctionTest, BusMasteringWaitsUntilMemoryIsMappedForDma) {
  open();
  write<std::uint16_t>(kCommand, 6);
  const Lines lines = journal_.take();
  ASSERT_GE(lines.size(), 2u);
  EXPECT_EQ(lines[0], "before bus mastering");
  EXPECT_EQ(lines[1], "config 0x4 <- 0x0006");
  allows_bus_mastering_ = false;
  write<std::uint16_t>(kCommand, 6);
  EXPECT_EQ(journal_.take(), (Lines{"before bus mastering"})) << "the device never sees it when the run ends first";
}

TEST_F(AssignedFunctionTest, TheGuestSeesTheInterruptKindsThatVfioOffers) {
  const auto ids = [&] {
    std::vector<std::uint8_t> config(256);
    for (std::uint16_t offset = 0; offset < 256; offset = static_cast<std::uint16_t>(offset + 4)) {
      function_->read_config(offset, std::span(config).subspan(offset, 4));
    }
    std::vector<unsigned> found;
    for (const auto& capability : pci::walk_capabilities(config)) found.push_back(capability.id);
    return found;
  };
  open();
  EXPECT_EQ(ids(), (std::vector<unsigned>{PCI_CAP_ID_PM, PCI_CAP_ID_MSIX, PCI_CAP_ID_EXP}));
  EXPECT_EQ(read<std::uint8_t>(PCI_INTERRUPT_PIN), 0);
  EXPECT_EQ(read<std::uint32_t>(0x100) >> 20, 0u) << "ARI is unlinked";
  EXPECT_EQ(read<std::uint16_t>(kExpress + PCI_EXP_FLAGS) >> 4 & 0xf, PCI_EXP_TYPE_RC_END);
  function_.reset();
  device_.set_msix(0, false);
  device_.set_msi(1);
  device_.set_intx();
  open();
  EXPECT_EQ(ids(), (std::vector<unsigned>{PCI_CAP_ID_PM, PCI_CAP_ID_MSI, PCI_CAP_ID_EXP}));
  EXPECT_EQ(read<std::uint8_t>(PCI_INTERRUPT_PIN), 1);
}

TEST_F(AssignedFunctionTest, MsixControlIsOursInAnyWidth) {
  open();
  EXPECT_EQ(read<std::uint16_t>(kMsix + 2), 2);
  write<std::uint16_t>(kMsix + 2, 0xc000);
  EXPECT_EQ(journal_.take(), (Lines{"irqs 2 from 0: none"})) << "no write to the device: VFIO would drop it";
  EXPECT_EQ(read<std::uint32_t>(kMsix) >> 16, 0xc002u);
  write<std::uint8_t>(kMsix + 3, 0x80);
  EXPECT_EQ(read<std::uint16_t>(kMsix + 2), 0x8002);
  write<std::uint32_t>(kMsix, 0);
  EXPECT_EQ(read<std::uint8_t>(kMsix + 3), 0);
  EXPECT_EQ(journal_.take(), (Lines{"irqs 2 off", "config 0x70 <- 0x00", "config 0x71 <- 0x00"})) << "what is beside it is the device's";
}

TEST_F(AssignedFunctionTest, TableAndPbaAreAnsweredHereAndTheirNeighboursByTheDevice) {
  open();
  enable_memory();
  store(device_.bar(3), 0x100, std::uint32_t{0x11223344});
  write_memory(kBar3 + 16, 0xfee01000);
  EXPECT_EQ(read_memory(kBar3 + 16), 0xfee01000u);
  EXPECT_EQ(load<std::uint32_t>(device_.bar(3), 16), 0u) << "the device's own table is the host's";
  EXPECT_EQ(read_memory(kBar3 + 0x2000), 0u) << "PBA";
  write_memory(kBar3 + 0x2000, 0xffffffff);
  EXPECT_EQ(read_memory(kBar3 + 0x2000), 0u);
  journal_.take();
  EXPECT_EQ(read_memory(kBar3 + 0x100), 0x11223344u);
  write_memory(kBar3 + 0x104, 5);
  EXPECT_EQ(journal_.take(), (Lines{"read BAR 3 0x100/4", "write BAR 3 0x104 <- 0x00000005"}));
}

TEST_F(AssignedFunctionTest, AnAccessAcrossTheTablesEdgeIsServedByBoth) {
  open();
  enable_memory();
  store(device_.bar(3), 0x30, std::uint32_t{0x11223344});
  // The table's last word is vector 2's control, whose mask bit is set.
  std::array<std::uint8_t, 8> data{};
  mmio_.read(kBar3 + 0x2c, data);
  EXPECT_EQ(load<std::uint64_t>(data), 0x1122334400000001u);
  mmio_.read(kBar3 + 0x2e, std::span(data).first(4));
  EXPECT_EQ(load<std::uint32_t>(data), 0x33440000u);
  const std::uint8_t zeroes[4] = {};
  mmio_.write(kBar3 + 0x2e, zeroes);
  EXPECT_EQ(load<std::uint32_t>(device_.bar(3), 0x30), 0x11220000u);
}

TEST_F(AssignedFunctionTest, AGuestDriverSetsAVectorUp) {
  open();
  write<std::uint16_t>(kCommand, 6);
  write<std::uint16_t>(kMsix + 2, 0xc000);
  write_memory(kBar3, 0xfee00000);
  write_memory(kBar3 + 8, 0x41);
  write_memory(kBar3 + 12, 0);
  journal_.take();
  write<std::uint16_t>(kMsix + 2, 0x8000);
  EXPECT_EQ(journal_.take(), (Lines{"commit 24=0x41", "attach 24", "irqs 2 from 0: eventfd"}));
  device_.signal(0);
  router_.deliver();
  EXPECT_EQ(journal_.take(), (Lines{"message 0x41"}));
  EXPECT_EQ(function_->statistics().armed_vectors, 1u);
}

/// A function with all three kinds: the pin is on until the guest enables one of the others, and again afterwards.
class AllKinds : public AssignedFunctionTest {
 protected:
  AllKinds() {
    device_.set_intx();
    device_.set_msi(1);
    function_.emplace(device_, FunctionHost{slots_, slots_, mmio_, ports_, router_, kPins, {}});
  }
  void enable_msi() {
    write<std::uint32_t>(kMsi + PCI_MSI_ADDRESS_LO, 0xfee00000);
    write<std::uint32_t>(kMsi + PCI_MSI_ADDRESS_HI, 0);
    write<std::uint16_t>(kMsi + PCI_MSI_DATA_64, 0x55);
    write<std::uint16_t>(kMsi + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE);
  }
};

TEST_F(AllKinds, ThePinIsOnFromTheStart) {
  const Lines lines = journal_.take();
  const Lines wanted{"attach level 17", "irqs 0 from 0: eventfd", "irqs 0 unmasked by an eventfd"};
  EXPECT_TRUE(std::ranges::search(lines, wanted)) << testing::PrintToString(lines);
  device_.signal(0);
  EXPECT_TRUE(router_.take_level(Gsi(17)));
  EXPECT_TRUE(device_.intx_masked());
  device_.signal(0);
  EXPECT_FALSE(router_.take_level(Gsi(17))) << "masked until the guest has handled it";
  router_.end_of_interrupt();
  device_.signal(0);
  EXPECT_TRUE(router_.take_level(Gsi(17)));
}

TEST_F(AllKinds, MsiReplacesThePinAndGivesItBack) {
  journal_.take();
  enable_msi();
  EXPECT_EQ(journal_.take(), (Lines{"irqs 0 off", "detach level 17", "irqs 1 from 0: none", "commit 24=0x55", "attach 24",
                                    "irqs 1 from 0: eventfd"}))
      << "nothing goes to the device's own registers";
  device_.signal(0);
  router_.deliver();
  EXPECT_EQ(journal_.take(), (Lines{"message 0x55"}));
  EXPECT_EQ(read<std::uint16_t>(kMsi + PCI_MSI_FLAGS), PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT);
  EXPECT_EQ(function_->statistics().armed_vectors, 1u);
  write<std::uint16_t>(kMsi + PCI_MSI_FLAGS, 0);
  EXPECT_EQ(journal_.take(), (Lines{"detach 24", "irqs 1 off", "release 24", "attach level 17", "irqs 0 from 0: eventfd",
                                    "irqs 0 unmasked by an eventfd"}));
}

TEST_F(AllKinds, FromOneKindToTheNextAndBack) {
  enable_msi();
  write<std::uint16_t>(kMsi + PCI_MSI_FLAGS, 0);
  write<std::uint16_t>(kMsix + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE);
  write<std::uint16_t>(kMsix + PCI_MSIX_FLAGS, 0);
  journal_.take();
  enable_msi();
  EXPECT_TRUE(device_.has_eventfd(0));
  write<std::uint16_t>(kMsi + PCI_MSI_FLAGS, 0);
  device_.signal(0);
  EXPECT_TRUE(router_.take_level(Gsi(17)));
}

TEST_F(AllKinds, AMaskedMsiStaysPendingUntilItIsUnmasked) {
  enable_msi();
  write<std::uint32_t>(kMsi + PCI_MSI_MASK_64, 1);
  device_.signal(0);
  router_.deliver();
  journal_.take();
  EXPECT_EQ(read<std::uint32_t>(kMsi + PCI_MSI_PENDING_64), 1u);
  write<std::uint32_t>(kMsi + PCI_MSI_MASK_64, 0);
  router_.deliver();
  EXPECT_EQ(journal_.take(), (Lines{"attach 24", "message 0x55"}));
}

TEST_F(AllKinds, AFunctionLevelResetTurnsTheMessagesOff) {
  enable_msi();
  write<std::uint16_t>(kDeviceControl, 0x8010);
  EXPECT_EQ(read<std::uint16_t>(kMsi + PCI_MSI_FLAGS) & PCI_MSI_FLAGS_ENABLE, 0);
  device_.signal(0);
  EXPECT_TRUE(router_.take_level(Gsi(17))) << "the pin is back";
}

TEST_F(AllKinds, ARefusedPinIsSilentAndNothingElseSuffers) {
  function_.reset();
  router_.refuses_levels = true;
  function_.emplace(device_, FunctionHost{slots_, slots_, mmio_, ports_, router_, kPins, {}});
  router_.refuses_levels = false;
  enable_msi();
  device_.signal(0);
  journal_.take();
  router_.deliver();
  EXPECT_EQ(journal_.take(), (Lines{"message 0x55"}));
}

TEST_F(AssignedFunctionTest, AFaultThatRepeatsTrapsEverythingUntilTheGuestChangesCommand) {
  open();
  enable_memory();
  function_->handle_fault(false);
  EXPECT_TRUE(slot_at(kBar0)) << "a race perhaps";
  store(device_.bar(0), 8, std::uint32_t{0xabcdef01});
  function_->handle_fault(true);
  EXPECT_TRUE(slots_.placed.empty());
  EXPECT_EQ(read_memory(kBar0 + 8), 0xabcdef01u) << "answered with what the device says";
  function_->handle_fault(true);
  EXPECT_EQ(read_memory(kBar0 + 8), 0xabcdef01u);
  write<std::uint16_t>(kCommand, 2);
  EXPECT_TRUE(slot_at(kBar0));
}

TEST_F(AssignedFunctionTest, AFaultOfADeviceThatStoppedDecodingUnmapsIt) {
  open();
  enable_memory();
  device_.config().set<std::uint16_t>(kCommand, 0);  // a reset from elsewhere
  function_->handle_fault(false);
  EXPECT_TRUE(slots_.placed.empty());
}

TEST_F(AssignedFunctionTest, ADeviceThatIsGoneReadsAsAllOnesAndIsUnmapped) {
  open();
  enable_memory();
  device_.gone = true;
  EXPECT_EQ(read<std::uint32_t>(PCI_VENDOR_ID), 0xffffffffu);
  function_->handle_fault(false);
  EXPECT_TRUE(slots_.placed.empty());
  write<std::uint16_t>(kCommand, 2);
  EXPECT_TRUE(slots_.placed.empty());
  EXPECT_EQ(read_memory(kBar0), 0xffffffffu);
}

TEST_F(AssignedFunctionTest, ReadOnlyPartsOfOursDoNotReachTheDevice) {
  open();
  write<std::uint32_t>(PCI_INTERRUPT_LINE, 0x0000010b);
  EXPECT_EQ(journal_.take(), (Lines{"config 0x3c <- 0x0b", "config 0x3e <- 0x00", "config 0x3f <- 0x00"}));
  write<std::uint32_t>(PCI_ROM_ADDRESS, 0xfffff801);
  EXPECT_EQ(journal_.take(), Lines{});
  EXPECT_EQ(read<std::uint32_t>(PCI_ROM_ADDRESS), 0u);
}

TEST_F(AssignedFunctionTest, AccessesAreCounted) {
  open();
  enable_memory();
  const auto before = function_->statistics();
  read<std::uint32_t>(0);
  read_memory(kBar3);
  read_memory(kBar3 + 0x200);
  const auto after = function_->statistics();
  EXPECT_EQ(after.config_accesses, before.config_accesses + 1);
  EXPECT_EQ(after.msix_table_traps, before.msix_table_traps + 1);
  EXPECT_EQ(after.bar_traps, before.bar_traps + 1);
}

/// As some NVMe controllers have it: registers, table and PBA in one BAR, the table in the registers' page.
class SharedBar : public AssignedFunctionTest {
 protected:
  SharedBar() : AssignedFunctionTest(ConfigBuilder().msix(kMsix, 3, 0x1200, 0x1800)) { open(); }
};

TEST_F(SharedBar, OnlyThePageWithTheStructuresIsTrapped) {
  write<std::uint16_t>(kCommand, 2);
  EXPECT_TRUE(slot_at(kBar0));
  EXPECT_FALSE(slot_at(kBar0 + 0x1000));
  EXPECT_TRUE(slot_at(kBar0 + 0x2000));
  store(device_.bar(0), 0x1000, std::uint32_t{7});
  EXPECT_EQ(read_memory(kBar0 + 0x1000), 7u) << "a register in the trapped page";
  EXPECT_EQ(read_memory(kBar0 + 0x120c), 1u) << "vector 0 is masked";
}

/// A conventional function with an I/O BAR.
class WithPorts : public AssignedFunctionTest {
 protected:
  WithPorts() : AssignedFunctionTest(ConfigBuilder(256).msix(kMsix, 1, 0, 0x800)) {
    device_.add_bar(2, 0x20, FakeDevice::kIo);
    open();
  }
  std::uint8_t in(std::uint16_t port) {
    std::uint8_t byte = 0;
    ports_.read(port, {&byte, 1});
    return byte;
  }
};

TEST_F(WithPorts, AnIoBarAnswersWhereTheGuestPutsItOnceIoIsEnabled) {
  device_.bar(2)[4] = 0x5c;
  write<std::uint32_t>(PCI_BASE_ADDRESS_2, 0xc001);
  EXPECT_EQ(in(0xc004), 0xff);
  write<std::uint16_t>(kCommand, 1);
  EXPECT_EQ(in(0xc004), 0x5c);
  EXPECT_FALSE(slot_at(kBar0)) << "memory is not enabled";
  write<std::uint16_t>(kCommand, 2);
  EXPECT_EQ(in(0xc004), 0xff);
}

TEST_F(WithPorts, AnIoBarHasAnAddressFromTheStart) { EXPECT_EQ(read<std::uint32_t>(PCI_BASE_ADDRESS_2), 0x1001u); }

TEST_F(WithPorts, PastConventionalSpaceThereIsNothing) { EXPECT_EQ(read<std::uint32_t>(0x100), 0u); }

}  // namespace
}  // namespace strait::vfio
