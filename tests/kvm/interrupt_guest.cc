#include "tests/kvm/interrupt_guest.h"

namespace strait::test {
namespace {

STRAIT_GUEST_CODE(count_interrupts, R"(
    lidt [0x500]
    mov al, 0xff                        # nothing from the PIC
    out 0x21, al
    mov ebx, 0xfee00000
    mov dword ptr [ebx + 0xf0], 0x1ff   # the APIC is on
    mov dword ptr [0x3000], 1
    sti
  1:
    hlt
    jmp 1b)")

/// Eight handlers of 32 bytes each: each counts, and ends the interrupt.
STRAIT_GUEST_CODE(handlers, R"(
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7
    inc dword ptr [0x3010 + 4 * \number]
    mov dword ptr [ebx + 0xb0], 0
    iret
    .balign 32
    .endr)")

}  // namespace

InterruptGuest::InterruptGuest() {
  load(kCodeStart, count_interrupts());
  for (unsigned number = 0; number < kVectors; ++number) {
    set_handler(static_cast<std::uint8_t>(kFirstVector + number), handlers());
    memory.write_object(Gpa(4u * (kFirstVector + number)), static_cast<std::uint32_t>(kHandler.value + 32 * number));
  }
}

void InterruptGuest::start_and_wait_until_ready() {
  start();
  EXPECT_TRUE(eventually([this] { return result() == 1; }));
}

bool InterruptGuest::eventually_counts(unsigned number, std::uint32_t expected) const {
  return eventually([&] { return count(number) >= expected; }) && count(number) == expected;
}

}  // namespace strait::test
