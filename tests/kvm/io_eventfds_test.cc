// Writes that KVM turns into signals: which ones are no exits any more, and which still are.

#include "base/log.h"
#include "base/syscall.h"
#include "kvm/io_eventfds.h"
#include "tests/kvm/micro_guest.h"

namespace strait::test {
namespace {

using IoEventfdsTest = KvmTest;

constexpr std::uint64_t kDevice = 0xd0000000;
constexpr auto kMemory = GuestWrite::Space::kMemory, kPorts = GuestWrite::Space::kPorts;

/// A hundred writes of 5 to a register, one of 6, and one of 5 as a byte.
STRAIT_GUEST_CODE(write_register, R"(
    mov ebx, 0xd0000000
    mov ecx, 100
  1:
    mov dword ptr [ebx + 8], 5
    dec ecx
    jnz 1b
    mov dword ptr [ebx + 8], 6
    mov byte ptr [ebx + 8], 5
    mov al, 7
    out 0xf4, al)")

/// The same as a port.
STRAIT_GUEST_CODE(write_port, R"(
    mov dx, 0x1008
    mov cx, 100
    mov eax, 5
  1:
    out dx, eax
    dec cx
    jnz 1b
    mov al, 7
    out 0xf4, al)")

TEST_F(IoEventfdsTest, AMatchingWriteIsASignalAndTheRestAreExits) {
  MicroGuest guest;
  CallbackDevice device;
  std::vector<std::uint64_t> trapped;
  device.on_write = [&trapped](std::uint64_t, std::span<const std::uint8_t> data) { trapped.push_back(load_access(data)); };
  ASSERT_TRUE(guest.platform.mmio.insert(kDevice, 0x1000, device, "device"));
  kvm::KvmIoEventfds io_eventfds(guest.vm);
  const UniqueFd eventfd = make_eventfd();
  const GuestWrite write{kMemory, kDevice + 8, 4, 5};
  ASSERT_TRUE(io_eventfds.add(write, eventfd.get()));
  EXPECT_EQ(guest.run(write_register()).code, exit_code::kVerdict + 7);
  EXPECT_EQ(drain_eventfd(eventfd.get()), 100u);
  EXPECT_EQ(trapped, (std::vector<std::uint64_t>{6, 5}));
}

TEST_F(IoEventfdsTest, OneThatIsRemovedIsAnExitAgain) {
  MicroGuest guest;
  kvm::KvmIoEventfds io_eventfds(guest.vm);
  const UniqueFd eventfd = make_eventfd();
  const GuestWrite write{kMemory, kDevice + 8, 4, 5};
  ASSERT_TRUE(io_eventfds.add(write, eventfd.get()));
  io_eventfds.remove(write, eventfd.get());
  EXPECT_EQ(guest.run(write_register()).code, exit_code::kVerdict + 7);
  EXPECT_EQ(drain_eventfd(eventfd.get()), 0u);
  EXPECT_EQ(guest.exits(KVM_EXIT_MMIO), 102u);
}

TEST_F(IoEventfdsTest, PortsHaveTheirOwn) {
  MicroGuest guest;
  kvm::KvmIoEventfds io_eventfds(guest.vm);
  const UniqueFd eventfd = make_eventfd();
  ASSERT_TRUE(io_eventfds.add({kPorts, 0x1008, 4, 5}, eventfd.get()));
  EXPECT_EQ(guest.run(write_port()).code, exit_code::kVerdict + 7);
  EXPECT_EQ(drain_eventfd(eventfd.get()), 100u);
  EXPECT_EQ(guest.exits(KVM_EXIT_IO), 1u) << "the verdict";
}

TEST_F(IoEventfdsTest, TheSameWriteCannotBeWatchedTwice) {
  MicroGuest guest;
  kvm::KvmIoEventfds io_eventfds(guest.vm);
  const UniqueFd eventfd = make_eventfd();
  const GuestWrite write{kMemory, kDevice + 8, 4, 5};
  ASSERT_TRUE(io_eventfds.add(write, eventfd.get()));
  log::set_level(log::Level::kOff);
  EXPECT_FALSE(io_eventfds.add(write, eventfd.get()));
  log::set_level(log::Level::kWarning);
  EXPECT_TRUE(io_eventfds.add({kMemory, kDevice + 8, 4, 6}, eventfd.get())) << "another value can";
}

}  // namespace
}  // namespace strait::test
