// INTx from end to end: a device's pin, KVM's resampling irqfd, a level-triggered pin of the IOAPIC, and back when the guest has handled
// it.

#include <thread>

#include "kvm/user_irq_router.h"
#include "tests/fakes/fake_device.h"
#include "tests/kvm/micro_guest.h"
#include "vfio/intx_interrupt.h"

namespace strait::test {
namespace {

STRAIT_GUEST_CODE(count_levels, R"(
    lidt [0x500]
    mov al, 0xff
    out 0x21, al
    mov ebx, 0xfee00000
    mov dword ptr [ebx + 0xf0], 0x1ff
    mov ebx, 0xfec00000     # IOAPIC: pin 17, level-triggered, active low, is vector 0x43 for APIC 0
    mov dword ptr [ebx], 0x33
    mov dword ptr [ebx + 0x10], 0
    mov dword ptr [ebx], 0x32
    mov dword ptr [ebx + 0x10], 0xa043
    sti
    mov dword ptr [0x3000], 1
  1:
    hlt
    jmp 1b)")
STRAIT_GUEST_CODE(level_handler, R"(
    mov ebx, 0xfee00000
    mov eax, [ebx + 0x120]  # in service: vectors 0x40 to 0x5f
    mov [0x300c], eax
    inc dword ptr [0x3008]
    mov dword ptr [ebx + 0xb0], 0
    iret)")

class Intx : public KvmTest {
 protected:
  void SetUp() override {
    KvmTest::SetUp();
    if (IsSkipped()) return;
    device_.set_intx();
    guest_.emplace();
    guest_->set_handler(0x43, level_handler());
    guest_->load(kCodeStart, count_levels());
    pin_.emplace(device_, router(), Gsi(17));
    guest_->start();
    ASSERT_TRUE(eventually([&] { return guest_->result() == 1; }));
  }
  void TearDown() override {
    pin_.reset();
    guest_.reset();
  }

  virtual InterruptRouter& router() { return guest_->router; }
  std::uint32_t count() const { return guest_->result(8); }
  /// The device raises its pin; the guest handles it, and the device hears of that.
  bool handled(std::uint32_t expected) {
    device_.signal(0);
    return eventually([&] { return count() >= expected && !device_.intx_masked(); });
  }
  /// Needs a first interrupt.
  bool levels_work() const { return guest_->result(0xc) != 0; }

  FakeDevice device_{ConfigBuilder()};
  std::optional<MicroGuest> guest_;
  std::optional<vfio::IntxInterrupt> pin_;
};

constexpr const char* kNoLevels = "this KVM's local APIC has no interrupt in service while its handler runs";

TEST_F(Intx, EachSignalIsOneInterruptAndUnmasksTheDeviceWhenItIsHandled) {
  device_.signal(0);
  ASSERT_TRUE(eventually([&] { return count() >= 1; }));
  if (!levels_work()) GTEST_SKIP() << kNoLevels;
  ASSERT_TRUE(eventually([&] { return !device_.intx_masked(); }));
  const std::uint32_t total = rounds(10'000) / 10;
  for (std::uint32_t i = 2; i <= total; ++i) ASSERT_TRUE(handled(i)) << "interrupt " << i;
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(count(), total) << "one interrupt for one signal";
}

TEST_F(Intx, ASuspendedPinIsLowAndSilent) {
  device_.signal(0);
  ASSERT_TRUE(eventually([&] { return count() >= 1; }));
  if (!levels_work()) GTEST_SKIP() << kNoLevels;
  pin_->suspend();
  EXPECT_FALSE(device_.has_eventfd(0));
  const std::uint32_t before = count();
  device_.signal(0);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(count(), before);
  pin_->resume();
  EXPECT_TRUE(handled(before + 1));
}

/// The same through a thread of ours and KVM_IRQ_LINE. The pin is high until the thread has heard of the interrupt's end, so the guest may
/// take it once more in between, and the end of that one may be taken for the end of the next signal's.
class IntxByThread : public Intx {
 protected:
  void TearDown() override {
    pin_.reset();
    user_.reset();
    Intx::TearDown();
  }
  /// A pin that is high interrupts the guest again and again. What was on its way when it went low arrives once.
  bool is_quiet() const {
    const std::uint32_t before = count();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return count() == before;
  }
  /// Like a device whose pin is high until the guest has been there: it signals again if it is unmasked before that.
  bool handled_once_more() {
    const std::uint32_t before = count();
    device_.signal(0);
    return eventually([&] {
      if (device_.intx_masked()) return false;
      if (count() != before) return true;
      device_.signal(0);
      return false;
    });
  }
  InterruptRouter& router() override { return user_.emplace(guest_->vm, guest_->router); }

  std::optional<kvm::UserIrqRouter> user_;
};

TEST_F(IntxByThread, EachSignalReachesTheGuestAndUnmasksTheDeviceWhenItIsHandled) {
  device_.signal(0);
  ASSERT_TRUE(eventually([&] { return count() >= 1; }));
  if (!levels_work()) GTEST_SKIP() << kNoLevels;
  ASSERT_TRUE(eventually([&] { return !device_.intx_masked(); }));
  const std::uint32_t total = rounds(10'000) / 10;
  for (std::uint32_t i = 2; i <= total; ++i) ASSERT_TRUE(handled_once_more()) << "interrupt " << i;
  // Not one for each: a late end of interrupt may unmask the device again before the thread has seen its signal, and two become one.
  EXPECT_GE(user_->deliveries(), total / 2);
  EXPECT_TRUE(eventually([this] { return is_quiet(); })) << "the pin is high";
}

TEST_F(IntxByThread, ASuspendedPinIsLow) {
  device_.signal(0);
  ASSERT_TRUE(eventually([&] { return count() >= 1; }));
  if (!levels_work()) GTEST_SKIP() << kNoLevels;
  ASSERT_TRUE(eventually([&] { return !device_.intx_masked(); }));
  device_.signal(0);
  pin_->suspend();
  EXPECT_TRUE(eventually([this] { return is_quiet(); })) << "the pin is high";
  pin_->resume();
  EXPECT_TRUE(handled_once_more());
}

}  // namespace
}  // namespace strait::test
