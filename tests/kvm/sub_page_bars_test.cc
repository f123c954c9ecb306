// BARs of less than a page of two functions: the guest reaches both, whether they are memory slots or traps.

#include "base/log.h"
#include "tests/fakes/config_access.h"
#include "tests/fakes/fake_device.h"
#include "tests/kvm/micro_guest.h"
#include "vfio/assigned_function.h"

namespace strait::test {
namespace {

using SubPageBars = KvmTest;

constexpr std::uint64_t kFirstPlace = 0xd0000000;

/// Reads the dwords at the first two addresses of the results page, and puts them behind.
STRAIT_GUEST_CODE(read_both, R"(
    mov ebx, [0x3000]
    mov eax, [ebx]
    mov [0x3008], eax
    mov ebx, [0x3004]
    mov eax, [ebx]
    mov [0x300c], eax
    mov al, 7
    out 0xf4, al)")

/// A function with a BAR of 256 bytes that starts with `mark`.
class Card {
 public:
  Card(MicroGuest& guest, std::uint32_t mark) : device_(ConfigBuilder()) {
    device_.add_bar(0, 0x100, FakeDevice::kMemory32);
    store(device_.bar(0), 0, mark);
    Platform& platform = guest.platform;
    function_.emplace(device_, vfio::FunctionHost{guest.slots, guest.slots, platform.mmio, platform.ports, guest.router, {}, {}});
  }
  FakeDevice& device() { return device_; }
  vfio::AssignedFunction& function() { return *function_; }

 private:
  FakeDevice device_;
  std::optional<vfio::AssignedFunction> function_;
};

void expect_that_both_answer(MicroGuest& guest, Card& first, Card& second) {
  const auto there = place_bar0(first.function(), kFirstPlace), here = place_bar0(second.function(), there.end().value);
  guest.set_result(0, static_cast<std::uint32_t>(there.start.value));
  guest.set_result(4, static_cast<std::uint32_t>(here.start.value));
  EXPECT_EQ(guest.run(read_both()).code, exit_code::kVerdict + 7);
  EXPECT_EQ(guest.result(8), 0x11111111u);
  EXPECT_EQ(guest.result(12), 0x22222222u);
}

TEST_F(SubPageBars, TheSecondIsNotBehindTheFirstOnesPage) {
  MicroGuest guest;
  Card first(guest, 0x11111111), second(guest, 0x22222222);
  expect_that_both_answer(guest, first, second);
  EXPECT_EQ(guest.exits(KVM_EXIT_MMIO), 0u);
}

TEST_F(SubPageBars, OneMayBeTrapped) {
  log::set_level(log::Level::kOff);
  MicroGuest guest;
  Card first(guest, 0x11111111), second(guest, 0x22222222);
  second.device().refuses_mapping = true;
  expect_that_both_answer(guest, first, second);
  EXPECT_EQ(guest.exits(KVM_EXIT_MMIO), 1u);
  log::set_level(log::Level::kWarning);
}

}  // namespace
}  // namespace strait::test
