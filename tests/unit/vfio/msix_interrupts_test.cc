#include "vfio/msix_interrupts.h"

#include <gtest/gtest.h>

#include "base/little_endian.h"
#include "base/log.h"
#include "tests/fakes/fake_device.h"
#include "tests/fakes/fake_interrupt_router.h"

namespace strait::vfio {
namespace {

using test::FakeDevice;
using test::FakeInterruptRouter;
using test::Journal;
using test::Lines;

constexpr std::uint16_t kEnable = pci::MsixState::kControlEnable, kMaskAll = pci::MsixState::kControlFunctionMask;

class MsixInterruptsTest : public testing::Test {
 protected:
  explicit MsixInterruptsTest(std::uint16_t vectors = 4, bool dynamic = true, std::uint32_t host_has = ~0u)
      : layout_{.vectors = vectors, .table_bar = 3, .table_offset = 0, .pba_bar = 3, .pba_offset = 0x2000} {
    device_.add_bar(3, 0x4000, FakeDevice::kMemory64);
    device_.set_msix(vectors, dynamic, host_has);
    msix_.emplace(device_, router_, layout_);
    log::set_level(log::Level::kOff);
  }
  ~MsixInterruptsTest() override {
    msix_.reset();
    EXPECT_EQ(router_.broken_rule, "");
    log::set_level(log::Level::kWarning);
  }

  void write_entry(std::uint32_t vector, std::uint32_t field, std::uint32_t value) {
    std::array<std::uint8_t, 4> data{};
    store(std::span<std::uint8_t>(data), 0, value);
    msix_->write_table(vector * 16 + field, data);
  }
  void mask(std::uint32_t vector) { write_entry(vector, 12, 1); }
  void unmask(std::uint32_t vector) { write_entry(vector, 12, 0); }
  void set_message(std::uint32_t vector, std::uint32_t data) {
    write_entry(vector, 0, 0xfee00000);
    write_entry(vector, 8, data);
  }
  /// As drivers begin: MSI-X enabled with everything masked.
  void enable() { msix_->write_control(kEnable); }
  /// Vector `vector` live with message 0x40 + vector; the journal is empty afterwards.
  void connect(std::uint32_t vector) {
    set_message(vector, 0x40 + vector);
    unmask(vector);
    journal_.take();
  }
  bool pending(std::uint32_t vector) {
    std::array<std::uint8_t, 8> pba{};
    msix_->read_pba(0, pba);
    return (load<std::uint64_t>(pba) >> vector & 1) != 0;
  }

  Journal journal_;
  FakeDevice device_{test::ConfigBuilder(), &journal_};
  FakeInterruptRouter router_{journal_};
  const pci::MsixLayout layout_;
  std::optional<MsixInterrupts> msix_;
};

TEST_F(MsixInterruptsTest, NothingHappensBeforeTheGuestEnables) {
  set_message(0, 0x41);
  unmask(0);
  EXPECT_EQ(journal_.take(), Lines{});
  EXPECT_EQ(msix_->armed_vectors(), 0u);
}

TEST_F(MsixInterruptsTest, EnablingReachesTheDeviceAtOnceThoughEveryVectorIsMasked) {
  msix_->write_control(kEnable | kMaskAll);
  EXPECT_EQ(journal_.take(), (Lines{"irqs 2 from 0: none"}));
  EXPECT_EQ(msix_->control(), kEnable | kMaskAll | 3);
}

TEST_F(MsixInterruptsTest, AVectorIsRoutedThenAttachedThenArmedWhenItIsFirstUnmasked) {
  enable();
  journal_.take();
  set_message(2, 0x52);
  EXPECT_EQ(journal_.take(), Lines{}) << "a masked vector costs nothing";
  unmask(2);
  EXPECT_EQ(journal_.take(), (Lines{"commit 24=0x52", "attach 24", "irqs 2 from 2: eventfd"}));
  EXPECT_EQ(msix_->armed_vectors(), 1u);
}

TEST_F(MsixInterruptsTest, ATogglesCostIsOneCallEachWay) {
  enable();
  connect(1);
  mask(1);
  EXPECT_EQ(journal_.take(), (Lines{"detach 24"}));
  mask(1);
  EXPECT_EQ(journal_.take(), Lines{});
  unmask(1);
  EXPECT_EQ(journal_.take(), (Lines{"attach 24"}));
}

TEST_F(MsixInterruptsTest, ClearingTheFunctionMaskRoutesAllVectorsInOneCall) {
  msix_->write_control(kEnable | kMaskAll);
  for (std::uint32_t vector : {0, 1, 3}) {
    set_message(vector, 0x40 + vector);
    unmask(vector);
  }
  journal_.take();
  msix_->write_control(kEnable);
  EXPECT_EQ(journal_.take(), (Lines{"commit 24=0x40 25=0x41 26=0x43", "attach 24", "irqs 2 from 0: eventfd", "attach 25",
                                    "irqs 2 from 1: eventfd", "attach 26", "irqs 2 from 3: eventfd"}));
  msix_->write_control(kEnable | kMaskAll);
  EXPECT_EQ(journal_.take(), (Lines{"detach 24", "detach 25", "detach 26"}));
  msix_->write_control(kEnable);
  EXPECT_EQ(journal_.take(), (Lines{"attach 24", "attach 25", "attach 26"}));
}

TEST_F(MsixInterruptsTest, ALiveVectorChangesItsMessageWithOneRoutingCall) {
  enable();
  connect(0);
  write_entry(0, 8, 0x99);
  EXPECT_EQ(journal_.take(), (Lines{"commit 24=0x99"}));
  device_.signal(0);
  router_.deliver();
  EXPECT_EQ(journal_.take(), (Lines{"message 0x99"}));
}

TEST_F(MsixInterruptsTest, AMaskedVectorChangesItsMessageWhenItIsUnmasked) {
  enable();
  connect(0);
  mask(0);
  journal_.take();
  write_entry(0, 8, 0x99);
  EXPECT_EQ(journal_.take(), Lines{});
  unmask(0);
  EXPECT_EQ(journal_.take(), (Lines{"commit 24=0x99", "attach 24"}));
}

TEST_F(MsixInterruptsTest, WhatArrivesWhileMaskedIsPendingAndComesOnceWithTheUnmasking) {
  enable();
  connect(0);
  mask(0);
  EXPECT_FALSE(pending(0));
  device_.signal(0);
  device_.signal(0);
  EXPECT_TRUE(pending(0));
  EXPECT_TRUE(pending(0)) << "reading does not clear it";
  journal_.take();
  unmask(0);
  router_.deliver();
  EXPECT_EQ(journal_.take(), (Lines{"attach 24", "message 0x40"}));
  EXPECT_FALSE(pending(0));
}

TEST_F(MsixInterruptsTest, WhatWasUnderWayWhenTheMaskCameIsNotPending) {
  enable();
  connect(0);
  device_.signal(0);
  mask(0);
  EXPECT_EQ(journal_.take(), (Lines{"detach 24", "message 0x40"})) << "the kernel injects it before it detaches";
  EXPECT_FALSE(pending(0));
}

TEST_F(MsixInterruptsTest, TheDevicesOwnPendingBitCountsAsLongAsTheVectorIsNotArmed) {
  device_.bar(3)[0x2000] = 0b0110;
  EXPECT_FALSE(pending(1)) << "not enabled";
  enable();
  EXPECT_TRUE(pending(1));
  EXPECT_FALSE(pending(0));
  connect(1);
  mask(1);
  EXPECT_FALSE(pending(1)) << "from now on it is the eventfd";
}

TEST_F(MsixInterruptsTest, DisablingGivesEverythingBack) {
  enable();
  connect(0);
  connect(3);
  msix_->write_control(0);
  EXPECT_EQ(journal_.take(), (Lines{"detach 24", "detach 25", "irqs 2 off", "release 24", "release 25"}));
  EXPECT_EQ(msix_->armed_vectors(), 0u);
  device_.signal(0);
  EXPECT_FALSE(pending(0));
}

TEST_F(MsixInterruptsTest, EnablingAgainStartsAfresh) {
  enable();
  connect(0);
  mask(0);
  device_.signal(0);
  msix_->write_control(0);
  journal_.take();
  enable();
  unmask(0);
  router_.deliver();
  EXPECT_EQ(journal_.take(), (Lines{"irqs 2 from 0: none", "commit 24=0x40", "attach 24", "irqs 2 from 0: eventfd"}));
}

TEST_F(MsixInterruptsTest, AResetMasksEveryVectorAndClearsItsMessage) {
  enable();
  connect(0);
  msix_->reset();
  EXPECT_EQ(journal_.take(), (Lines{"detach 24", "irqs 2 off", "release 24"}));
  std::array<std::uint8_t, 16> entry{};
  msix_->read_table(0, entry);
  EXPECT_EQ(load<std::uint64_t>(entry), 0u);
  EXPECT_EQ(entry[12], 1);
}

TEST_F(MsixInterruptsTest, ItsEndTurnsTheDevicesInterruptsOff) {
  enable();
  connect(0);
  msix_.reset();
  EXPECT_EQ(journal_.take(), (Lines{"detach 24", "irqs 2 off", "release 24"}));
}

TEST_F(MsixInterruptsTest, AVectorThatGetsNoRouteIsSilentAndTheOthersWork) {
  router_.limit = 1;
  enable();
  connect(0);
  set_message(1, 0x41);
  unmask(1);
  EXPECT_EQ(journal_.take(), Lines{});
  mask(1);
  mask(0);
  EXPECT_EQ(journal_.take(), (Lines{"detach 24"}));
  EXPECT_EQ(msix_->armed_vectors(), 1u);
}

TEST_F(MsixInterruptsTest, AVectorWhoseRouteWasRefusedComesWithTheNextThatIsNot) {
  enable();
  journal_.take();
  router_.refuses_commit = true;
  set_message(0, 0x40);
  unmask(0);
  EXPECT_EQ(journal_.take(), Lines{});
  router_.refuses_commit = false;
  set_message(1, 0x41);
  unmask(1);
  EXPECT_EQ(journal_.take(),
            (Lines{"commit 24=0x40 25=0x41", "attach 24", "irqs 2 from 0: eventfd", "attach 25", "irqs 2 from 1: eventfd"}));
}

TEST_F(MsixInterruptsTest, AVectorThatIsMaskedAgainBeforeItsRouteWasTakenIsNotAttached) {
  enable();
  router_.refuses_commit = true;
  set_message(0, 0x40);
  unmask(0);
  mask(0);
  router_.refuses_commit = false;
  journal_.take();
  set_message(1, 0x41);
  unmask(1);
  EXPECT_EQ(journal_.take(), (Lines{"commit 24=0x40 25=0x41", "attach 25", "irqs 2 from 1: eventfd"}));
}

TEST_F(MsixInterruptsTest, ADeviceThatIsGoneStaysSilentAndNothingElseHappens) {
  device_.gone = true;
  enable();
  set_message(0, 0x40);
  unmask(0);
  EXPECT_EQ(msix_->armed_vectors(), 0u);
  EXPECT_FALSE(pending(1));
  mask(0);
  msix_->write_control(0);
}

TEST_F(MsixInterruptsTest, AccessesAndRoutesAreCounted) {
  enable();
  set_message(0, 0x40);
  unmask(0);
  mask(0);
  EXPECT_EQ(msix_->table_accesses(), 4u);
  EXPECT_EQ(msix_->routes_staged(), 1u);
}

/// Linux before 6.5: the set of vectors in use cannot grow.
class MsixWithoutResize : public MsixInterruptsTest {
 protected:
  MsixWithoutResize() : MsixInterruptsTest(4, false) {}
};

TEST_F(MsixWithoutResize, TheWholeTableIsEnabledAtOnceSoThatEveryVectorCanBeArmedLater) {
  enable();
  EXPECT_EQ(journal_.take(), (Lines{"irqs 2 from 0: none none none none"}));
  set_message(3, 0x43);
  unmask(3);
  EXPECT_EQ(journal_.take(), (Lines{"commit 24=0x43", "attach 24", "irqs 2 from 3: eventfd"}));
  EXPECT_EQ(msix_->armed_vectors(), 1u);
}

TEST_F(MsixInterruptsTest, HostInterruptsAreTakenOneByOneWhereThatIsPossible) {
  enable();
  EXPECT_EQ(msix_->host_vectors(), 1u);
  connect(0);
  connect(2);
  EXPECT_EQ(msix_->host_vectors(), 2u);
  msix_->write_control(0);
  EXPECT_EQ(msix_->host_vectors(), 2u) << "the most there were";
}

TEST_F(MsixInterruptsTest, WhoDoesNotWantThemOneByOneGetsTheWholeTable) {
  msix_.emplace(device_, router_, layout_, nullptr, false);
  enable();
  EXPECT_EQ(journal_.take(), (Lines{"irqs 2 from 0: none none none none"}));
  EXPECT_EQ(msix_->host_vectors(), 4u);
  connect(2);
  EXPECT_TRUE(device_.has_eventfd(2));
  EXPECT_EQ(msix_->armed_vectors(), 1u);
}

/// A host that has run out of interrupts.
class MsixOnAFullHost : public MsixInterruptsTest {
 protected:
  MsixOnAFullHost() : MsixInterruptsTest(4, false, 2) {}
};

TEST_F(MsixOnAFullHost, AsManyVectorsAsThereAreAreTaken) {
  enable();
  EXPECT_EQ(journal_.take(), (Lines{"irqs 2 from 0: none none none none", "irqs 2 from 0: none none"}));
  for (std::uint32_t vector : {1, 2}) {
    set_message(vector, 0x40 + vector);
    unmask(vector);
  }
  EXPECT_EQ(msix_->armed_vectors(), 1u) << "vector 2 stays silent";
  EXPECT_TRUE(device_.has_eventfd(1));
}

}  // namespace
}  // namespace strait::vfio
