// Memory slots: what is there is reached without an exit, what is gone is trapped, and what the host withdrew is no crash.

#include <sys/mman.h>

#include "base/error.h"
#include "base/mapped_region.h"
#include "tests/kvm/micro_guest.h"

namespace strait::test {
namespace {

using Slots = KvmTest;

constexpr Gpa kPlace{0x200000};
constexpr std::uint16_t kStepPort = 0x540;

/// Reads the dword at kPlace and tells it to the step port, until that says 1.
STRAIT_GUEST_CODE(read_repeatedly, R"(
    mov ebx, 0x200000
    mov dx, 0x540
  1:
    mov eax, [ebx]
    out dx, eax
    in al, dx
    cmp al, 1
    jne 1b
    out 0xf4, al)")

/// Calls `step` with the number of the round and what the guest read there; the guest goes on until it returns false.
void read_in_steps(MicroGuest& guest, const std::function<bool(int, std::uint32_t)>& step) {
  CallbackDevice device;
  int number = 0;
  bool more = true;
  device.on_write = [&](std::uint64_t, std::span<const std::uint8_t> data) { more = step(number++, load<std::uint32_t>(data)); };
  device.on_read = [&](std::uint64_t, std::span<std::uint8_t> data) { data[0] = more ? 0 : 1; };
  guest.platform.ports.insert(kStepPort, 4, device, "step");
  guest.run(read_repeatedly());
}

TEST_F(Slots, AnAccessIsTrappedBeforeAndAfterASlotIsThere) {
  MicroGuest guest;
  CallbackDevice device;
  device.on_read = [](std::uint64_t, std::span<std::uint8_t> data) { store_access(data, 0x7a7a7a7a); };
  guest.platform.mmio.insert(kPlace.value, kPageSize, device, "trap");
  const MappedRegion page = MappedRegion::anonymous(kPageSize, kPageSize);
  store(page.bytes(), 0, std::uint32_t{0x11223344});

  std::vector<std::uint32_t> seen;
  MemorySlots::Slot slot = 0;
  read_in_steps(guest, [&](int number, std::uint32_t value) {
    seen.push_back(value);
    if (number == 0) slot = guest.slots.add(kPlace, page.bytes());
    if (number == 3) guest.slots.remove(slot);
    return number < 5;
  });
  EXPECT_EQ(seen, (std::vector<std::uint32_t>{0x7a7a7a7a, 0x11223344, 0x11223344, 0x11223344, 0x7a7a7a7a, 0x7a7a7a7a}));
  EXPECT_EQ(guest.exits(KVM_EXIT_MMIO), 3u) << "none while the slot is there";
  EXPECT_EQ(guest.slots.updates(), 3u) << "RAM, the page, and its end";
}

TEST_F(Slots, ASlotMovesWithoutATrapInBetween) {
  MicroGuest guest;
  const MappedRegion pages = MappedRegion::anonymous(2 * kPageSize, kPageSize);
  store(pages.bytes(), 0, std::uint32_t{1});
  store(pages.bytes(), kPageSize, std::uint32_t{2});
  MemorySlots::Slot slot = guest.slots.add(kPlace, pages.bytes().first(kPageSize));
  std::vector<std::uint32_t> seen;
  read_in_steps(guest, [&](int number, std::uint32_t value) {
    seen.push_back(value);
    guest.slots.remove(slot);
    slot = guest.slots.add(kPlace, pages.bytes().subspan(number % 2 == 0 ? kPageSize : 0, kPageSize));
    return number < 3;
  });
  EXPECT_EQ(seen, (std::vector<std::uint32_t>{1, 2, 1, 2}));
  EXPECT_EQ(guest.exits(KVM_EXIT_MMIO), 0u);
}

TEST_F(Slots, NumbersAreReusedLowestFirst) {
  MicroGuest guest;
  const MappedRegion pages = MappedRegion::anonymous(3 * kPageSize, kPageSize);
  const auto page = [&](std::uint64_t n) { return pages.bytes().subspan(n * kPageSize, kPageSize); };
  EXPECT_EQ(guest.slots.add(kPlace, page(0)), 1u) << "RAM has 0";
  EXPECT_EQ(guest.slots.add(kPlace + kPageSize, page(1)), 2u);
  guest.slots.remove(1);
  EXPECT_EQ(guest.slots.add(kPlace, page(2)), 1u);
}

TEST_F(Slots, AnOverlapIsRefusedAndLeavesNothing) {
  MicroGuest guest;
  const MappedRegion pages = MappedRegion::anonymous(2 * kPageSize, kPageSize);
  EXPECT_THROW(guest.slots.add(kPlace - kPageSize, pages.bytes()), Error) << "the first page is RAM";
  EXPECT_EQ(guest.slots.add(kPlace, pages.bytes()), 1u);
}

STRAIT_GUEST_CODE(write_rom, R"(
    mov ebx, 0x200000
    mov dword ptr [ebx], 5
    mov eax, [ebx]
    mov [0x3000], eax
    out 0xf4, al)")

TEST_F(Slots, AWriteToAReadOnlySlotIsTrapped) {
  MicroGuest guest;
  if (guest.kvm.extension(KVM_CAP_READONLY_MEM) <= 0) GTEST_SKIP() << "this host's KVM has no read-only memory";
  const MappedRegion page = MappedRegion::anonymous(kPageSize, kPageSize);
  store(page.bytes(), 0, std::uint32_t{9});
  guest.slots.add(kPlace, page.bytes(), true);
  guest.run(write_rom());
  EXPECT_EQ(guest.result(), 9u);
  EXPECT_EQ(guest.exits(KVM_EXIT_MMIO), 1u);
}

TEST_F(Slots, AMappingThatTheHostWithdrewIsReportedAndThenTrapped) {
  MicroGuest guest;
  const MappedRegion page = MappedRegion::anonymous(kPageSize, kPageSize);
  store(page.bytes(), 0, std::uint32_t{0x11223344});
  const MemorySlots::Slot slot = guest.slots.add(kPlace, page.bytes());
  int faults = 0;
  guest.on_fault = [&](unsigned) {
    ++faults;
    guest.slots.remove(slot);
  };
  std::vector<std::uint32_t> seen;
  read_in_steps(guest, [&](int number, std::uint32_t value) {
    seen.push_back(value);
    if (number == 0) ::mprotect(page.data(), page.size(), PROT_NONE);
    return number < 2;
  });
  EXPECT_EQ(seen, (std::vector<std::uint32_t>{0x11223344, 0xffffffff, 0xffffffff}));
  EXPECT_EQ(guest.exits(KVM_EXIT_MMIO), 2u);
  EXPECT_LE(faults, 1) << "none where a KVM without hardware traps such an access by itself";
  EXPECT_EQ(guest.end.outcome().code, exit_code::kVerdict + 1) << "not a crash";
}

}  // namespace
}  // namespace strait::test
