// How interrupts reach a guest: messages through eventfds, and the pins of PIC and IOAPIC.

#include <gmock/gmock.h>

#include "base/log.h"
#include "base/syscall.h"
#include "tests/kvm/interrupt_guest.h"

namespace strait::test {
namespace {

using Interrupts = KvmTest;

TEST_F(Interrupts, AnEventfdWakesAHaltedGuest) {
  InterruptGuest guest;
  const UniqueFd eventfd = make_eventfd();
  const Gsi gsi = guest.router.allocate();
  guest.router.stage(gsi, InterruptGuest::message(0));
  ASSERT_TRUE(guest.router.commit());
  ASSERT_TRUE(guest.router.attach(gsi, eventfd.get()));
  guest.start_and_wait_until_ready();
  for (std::uint32_t i = 1; i <= 20; ++i) {
    signal_eventfd(eventfd.get());
    ASSERT_TRUE(guest.eventually_counts(0, i));
  }
  EXPECT_EQ(guest.exits(KVM_EXIT_IO) + guest.exits(KVM_EXIT_MMIO), 0u) << "nothing of it passes user space";
}

TEST_F(Interrupts, DetachedSignalsStayInTheEventfdAndAttachingDeliversThemAsOne) {
  InterruptGuest guest;
  const UniqueFd eventfd = make_eventfd();
  const Gsi gsi = guest.router.allocate();
  guest.router.stage(gsi, InterruptGuest::message(0));
  ASSERT_TRUE(guest.router.commit());
  guest.start_and_wait_until_ready();
  signal_eventfd(eventfd.get());
  signal_eventfd(eventfd.get());
  ASSERT_TRUE(guest.router.attach(gsi, eventfd.get()));
  ASSERT_TRUE(guest.eventually_counts(0, 1));
  guest.router.detach(gsi, eventfd.get());
  EXPECT_EQ(drain_eventfd(eventfd.get()), 0u) << "detaching leaves nothing that was delivered";
  signal_eventfd(eventfd.get());
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(guest.count(0), 1u);
  EXPECT_EQ(drain_eventfd(eventfd.get()), 1u);
}

TEST_F(Interrupts, ARouteChangesWhileItsEventfdIsAttached) {
  InterruptGuest guest;
  const UniqueFd eventfd = make_eventfd();
  const Gsi gsi = guest.router.allocate();
  guest.router.stage(gsi, InterruptGuest::message(0));
  ASSERT_TRUE(guest.router.commit());
  ASSERT_TRUE(guest.router.attach(gsi, eventfd.get()));
  guest.start_and_wait_until_ready();
  signal_eventfd(eventfd.get());
  ASSERT_TRUE(guest.eventually_counts(0, 1));
  guest.router.stage(gsi, InterruptGuest::message(3));
  ASSERT_TRUE(guest.router.commit());
  signal_eventfd(eventfd.get());
  ASSERT_TRUE(guest.eventually_counts(3, 1));
  EXPECT_EQ(guest.count(0), 1u);
}

TEST_F(Interrupts, AnUnchangedTableIsNotHandedToKvmAgain) {
  MicroGuest guest;
  const std::uint64_t before = guest.router.routing_updates();
  const Gsi first = guest.router.allocate(), second = guest.router.allocate();
  EXPECT_EQ(first, Gsi(24)) << "above the pins";
  EXPECT_EQ(second, Gsi(25));
  EXPECT_TRUE(guest.router.commit());
  EXPECT_EQ(guest.router.routing_updates(), before) << "allocating changes no route";
  guest.router.stage(first, InterruptGuest::message(0));
  guest.router.stage(second, InterruptGuest::message(1));
  EXPECT_TRUE(guest.router.commit());
  EXPECT_EQ(guest.router.routing_updates(), before + 1) << "one call for all";
  guest.router.stage(second, InterruptGuest::message(1));
  EXPECT_TRUE(guest.router.commit());
  EXPECT_EQ(guest.router.routing_updates(), before + 1);
  guest.router.release(first);
  EXPECT_EQ(guest.router.allocate(), first) << "numbers are reused";
}

TEST_F(Interrupts, KvmsRefusalIsReported) {
  MicroGuest guest;
  log::set_level(log::Level::kOff);
  EXPECT_FALSE(guest.router.attach(guest.router.allocate(), -1));
  log::set_level(log::Level::kWarning);
}

STRAIT_GUEST_CODE(serial_interrupt, R"(
    lidt [0x500]
    mov al, 0x11            # PIC: vectors from 0x40 on, pin 4 unmasked
    out 0x20, al
    mov al, 0x40
    out 0x21, al
    mov al, 4
    out 0x21, al
    mov al, 1
    out 0x21, al
    mov al, 0xef
    out 0x21, al
    mov ebx, 0xfee00000
    mov dword ptr [ebx + 0xf0], 0x1ff
    mov dword ptr [ebx + 0x350], 0x700      # LINT0 takes the PIC's interrupts
    mov dx, 0x3fc           # modem control: OUT2 lets the interrupt out
    mov al, 8
    out dx, al
    mov dx, 0x3f9           # interrupt when the transmitter is empty, which it is
    mov al, 2
    sti
    out dx, al
  1:
    hlt
    jmp 1b)")
STRAIT_GUEST_CODE(serial_handler, R"(
    mov dx, 0x3fa           # the interrupt's cause
    in al, dx
    out 0xf4, al
    cli)")

TEST_F(Interrupts, TheSerialPortsPinReachesTheGuestThroughThePic) {
  MicroGuest guest;
  guest.set_handler(0x44, serial_handler());
  EXPECT_EQ(guest.run(serial_interrupt()).code, exit_code::kVerdict + 2) << "transmitter holding register empty";
}

STRAIT_GUEST_CODE(timer_interrupt, R"(
    lidt [0x500]
    mov al, 0xff            # nothing from the PIC
    out 0x21, al
    mov ebx, 0xfee00000
    mov dword ptr [ebx + 0xf0], 0x1ff
    mov ebx, 0xfec00000     # IOAPIC: pin 2 is vector 0x41 for APIC 0
    mov dword ptr [ebx], 0x15
    mov dword ptr [ebx + 0x10], 0
    mov dword ptr [ebx], 0x14
    mov dword ptr [ebx + 0x10], 0x41
    mov al, 0x34            # PIT: channel 0 as a rate generator, about 1 kHz
    out 0x43, al
    mov al, 0xa9
    out 0x40, al
    mov al, 0x04
    out 0x40, al
    sti
  1:
    hlt
    jmp 1b)")
STRAIT_GUEST_CODE(timer_handler, R"(
    inc dword ptr [0x3000]
    mov ebx, 0xfee00000
    mov dword ptr [ebx + 0xb0], 0
    cmp dword ptr [0x3000], 3
    jb 1f
    mov al, 3
    out 0xf4, al
    cli
  1:
    iret)")

TEST_F(Interrupts, TheTimerArrivesAtPin2OfTheIoapic) {
  MicroGuest guest;
  guest.set_handler(0x41, timer_handler());
  EXPECT_EQ(guest.run(timer_interrupt()).code, exit_code::kVerdict + 3);
}

STRAIT_GUEST_CODE(power_button, R"(
    mov dx, 0x602           # PM1 enable: the power button
    mov ax, 0x100
    out dx, ax
    lidt [0x500]
    mov al, 0xff
    out 0x21, al
    mov ebx, 0xfee00000
    mov dword ptr [ebx + 0xf0], 0x1ff
    mov ebx, 0xfec00000     # IOAPIC: pin 9, level-triggered, is vector 0x42 for APIC 0
    mov dword ptr [ebx], 0x23
    mov dword ptr [ebx + 0x10], 0
    mov dword ptr [ebx], 0x22
    mov dword ptr [ebx + 0x10], 0x8042
    sti
    mov dword ptr [0x3000], 1
  1:
    hlt
    jmp 1b)")
STRAIT_GUEST_CODE(sci_handler, R"(
    mov dx, 0x600           # clears what is pending, which lowers the line
    in ax, dx
    mov [0x3004], ax
    out dx, ax
    mov ebx, 0xfee00000
    mov eax, [ebx + 0x120]  # in service: vectors 0x40 to 0x5f
    mov [0x300c], eax
    mov dword ptr [ebx + 0xb0], 0
    inc dword ptr [0x3008]
    iret)")

TEST_F(Interrupts, ThePowerButtonIsALevelInterruptUntilTheGuestClearsIt) {
  MicroGuest guest;
  guest.set_handler(0x42, sci_handler());
  guest.load(kCodeStart, power_button());
  guest.start();
  ASSERT_TRUE(eventually([&] { return guest.result() == 1; }));
  for (std::uint32_t presses = 1; presses <= 3; ++presses) {
    guest.platform.power.press_power_button();
    ASSERT_TRUE(eventually([&] { return guest.result(8) >= presses; }));
    if (guest.result(0xc) == 0) GTEST_SKIP() << "this KVM's local APIC has no interrupt in service while its handler runs";
    EXPECT_EQ(guest.result(4), 0x100u);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(guest.result(8), 3u) << "one interrupt for one press";
}

}  // namespace
}  // namespace strait::test
