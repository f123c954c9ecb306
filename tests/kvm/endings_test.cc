// The ways in which a guest ends a run, and how the host ends it.

#include <gmock/gmock.h>

#include "base/log.h"
#include "tests/kvm/micro_guest.h"

namespace strait::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class Endings : public KvmTest {
 protected:
  void SetUp() override {
    KvmTest::SetUp();
    log::set_level(log::Level::kOff);  // crashes are reported there
  }
  void TearDown() override { log::set_level(log::Level::kWarning); }
};

STRAIT_GUEST_CODE(keyboard_reset, "mov al, 0xfe; out 0x64, al")

TEST_F(Endings, ResetThroughPort64) {
  MicroGuest guest;
  const Outcome outcome = guest.run(keyboard_reset());
  EXPECT_EQ(outcome.code, exit_code::kGuestOff);
  EXPECT_EQ(outcome.reason, "the guest asked for a reboot (port 0x64)");
}

STRAIT_GUEST_CODE(soft_off, R"(
    mov dx, 0x604           # PM1 control: sleep type 5, sleep enable
    mov ax, 0x3400
    out dx, ax)")

TEST_F(Endings, SoftOffThroughPm1Control) {
  MicroGuest guest;
  const Outcome outcome = guest.run(soft_off());
  EXPECT_EQ(outcome.code, exit_code::kGuestOff);
  EXPECT_EQ(outcome.reason, "the guest powered off");
}

STRAIT_GUEST_CODE(acpi_reset, "mov dx, 0x606; mov al, 1; out dx, al")

TEST_F(Endings, ResetThroughTheAcpiResetRegister) {
  MicroGuest guest;
  const Outcome outcome = guest.run(acpi_reset());
  EXPECT_EQ(outcome.code, exit_code::kGuestOff);
  EXPECT_EQ(outcome.reason, "the guest asked for a reboot (ACPI)");
}

STRAIT_GUEST_CODE(panic, "mov dx, 0x505; mov al, 1; out dx, al")

TEST_F(Endings, PanicThroughThePanicPort) {
  MicroGuest guest;
  EXPECT_EQ(guest.run(panic()).code, exit_code::kGuestPanic);
}

STRAIT_GUEST_CODE(triple_fault, R"(
    mov eax, cr0
    or al, 1
    mov cr0, eax            # protected mode, without an interrupt table
    ud2)")

TEST_F(Endings, AnExceptionWithoutAnInterruptTableIsATripleFault) {
  MicroGuest guest;
  const Outcome outcome = guest.run(triple_fault());
  EXPECT_EQ(outcome.code, exit_code::kGuestCrashed);
  EXPECT_THAT(outcome.reason, HasSubstr("triple fault"));
}

STRAIT_GUEST_CODE(leave_ram, "mov eax, 0x0ffff; jmp eax")

TEST_F(Endings, RunningIntoMemoryOfNobodyIsACrash) {
  MicroGuest guest;
  // 64 KiB of RAM are all that 16-bit code reaches, so the last byte leads to nowhere when the RAM behind it is gone.
  guest.slots.remove(0);
  const Outcome outcome = guest.run(leave_ram());
  EXPECT_EQ(outcome.code, exit_code::kGuestCrashed);
  EXPECT_THAT(outcome.reason, StartsWith("KVM internal error"));
}

STRAIT_GUEST_CODE(spin, R"(
    mov dword ptr [0x3000], 1
  1:
    jmp 1b)")

TEST_F(Endings, ASpinningGuestIsStoppedAtOnce) {
  MicroGuest guest;
  guest.load(kCodeStart, spin());
  guest.start();
  ASSERT_TRUE(eventually([&] { return guest.result() == 1; }));
  const auto before = std::chrono::steady_clock::now();
  guest.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
  EXPECT_FALSE(guest.end.ended()) << "being stopped is no outcome";
}

STRAIT_GUEST_CODE(sleep_for_ever, "mov dword ptr [0x3000], 1")

TEST_F(Endings, AHaltedGuestIsStoppedAtOnce) {
  MicroGuest guest;
  guest.load(kCodeStart, sleep_for_ever());
  guest.start();
  ASSERT_TRUE(eventually([&] { return guest.result() == 1; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const auto before = std::chrono::steady_clock::now();
  guest.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
}

TEST_F(Endings, VcpusThatWaitForTheirStartAreStoppedToo) {
  MicroGuest guest(4);
  guest.load(kCodeStart, sleep_for_ever());
  guest.start();
  ASSERT_TRUE(eventually([&] { return guest.result() == 1; }));
  guest.stop();
}

STRAIT_GUEST_CODE(count, R"(
  1:
    inc dword ptr [0x3000]
    in al, 0x80
    jmp 1b)")

TEST_F(Endings, APausedGuestGetsNowhereUntilItIsResumed) {
  MicroGuest guest;
  guest.load(kCodeStart, count());
  guest.start();
  for (unsigned round = 0; round < rounds(200); ++round) {
    const std::uint32_t before = guest.result();
    ASSERT_TRUE(eventually([&] { return guest.result() != before; }));
    ASSERT_TRUE(guest.threads.front()->pause(MicroGuest::kPatience));
    const std::uint32_t paused = guest.result();
    std::this_thread::sleep_for(std::chrono::microseconds(50));
    ASSERT_EQ(guest.result(), paused);
    guest.threads.front()->resume();
  }
  EXPECT_TRUE(guest.threads.front()->pause(MicroGuest::kPatience));
  guest.stop();
}

TEST_F(Endings, AnAccessThatTakesLongCannotBePaused) {
  MicroGuest guest;
  std::atomic<bool> inside = false, done = false;
  CallbackDevice slow;
  slow.on_read = [&](std::uint64_t, std::span<std::uint8_t> data) {
    inside = true;
    while (!done) std::this_thread::yield();
    fill_ones(data);
  };
  guest.platform.ports.insert(0x80, 1, slow, "slow");
  guest.load(kCodeStart, count());
  guest.start();
  ASSERT_TRUE(eventually([&] { return inside.load(); }));
  EXPECT_FALSE(guest.threads.front()->pause(std::chrono::milliseconds(20)));
  guest.threads.front()->resume();
  done = true;
  const std::uint32_t before = guest.result();
  EXPECT_TRUE(eventually([&] { return guest.result() > before; })) << "and goes on";
  guest.stop();
}

STRAIT_GUEST_CODE(two_words, "mov al, 1; out 0xf4, al; mov al, 2; out 0xf4, al")

TEST_F(Endings, TheFirstWordCounts) {
  MicroGuest guest;
  EXPECT_EQ(guest.run(two_words()).code, exit_code::kVerdict + 1);
}

}  // namespace
}  // namespace strait::test
