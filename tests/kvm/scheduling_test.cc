// Where on the host vCPUs run, and what goes with them.

#include <gmock/gmock.h>

#include <filesystem>
#include <map>
#include <thread>

#include "base/syscall.h"
#include "kvm/statistics.h"
#include "tests/kvm/micro_guest.h"
#include "tests/unit/error_of.h"

namespace strait::test {
namespace {

/// Where this process's threads of each name may run, KVM's own among them.
std::map<std::string, std::string> affinities() {
  std::map<std::string, std::string> all;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    const std::string status = read_text_file(task.path() / "status");
    const std::string key = "\nCpus_allowed_list:\t";
    const auto at = status.find(key) + key.size();
    all[read_text_file(task.path() / "comm")] = status.substr(at, status.find('\n', at) - at);
  }
  return all;
}

class Scheduling : public KvmTest {
 protected:
  void SetUp() override {
    KvmTest::SetUp();
    if (thread_affinity().size() < 2) GTEST_SKIP() << "one processor is all there is";
  }
};

STRAIT_GUEST_CODE(count, "1: inc dword ptr [0x3000]; jmp 1b")

TEST_F(Scheduling, NothingButTheVcpuIsWhereItIsPinned) {
  const std::string everywhere = to_string(thread_affinity());
  MicroGuest guest(2);
  const unsigned last = *thread_affinity().rbegin();
  guest.scheduling.cpus = {last};
  guest.load(kCodeStart, count());
  guest.start();
  ASSERT_TRUE(eventually([&] { return guest.result() > 0; }));
  const auto is_there = [&](const std::string& name) { return affinities()[name] == std::to_string(last); };
  ASSERT_TRUE(eventually([&] { return is_there("vcpu0") && is_there("vcpu1"); }));
  for (const auto& [name, cpus] : affinities()) {
    if (name.starts_with("vcpu")) continue;
    EXPECT_EQ(cpus, everywhere) << name;
  }
}

TEST_F(Scheduling, AGuestDoesNotRunWithoutTheProcessorDedicatedToIt) {
  MicroGuest guest;
  guest.scheduling = {.cpus = {8191}, .priority = 1, .dedicated = true};
  const Outcome outcome = guest.run(count());
  EXPECT_EQ(outcome.code, exit_code::kFailed);
  EXPECT_THAT(outcome.reason, testing::StartsWith("vCPU 0 is not pinned to CPU 8191: "));
  EXPECT_EQ(guest.result(), 0u);
}

STRAIT_GUEST_CODE(verdict_3, "mov al, 3; out 0xf4, al")

TEST_F(Scheduling, WithoutOneThatIsOnlyPinnedItRunsElsewhere) {
  MicroGuest guest;
  guest.scheduling = {.cpus = {8191}, .priority = 0, .dedicated = false};
  EXPECT_EQ(guest.run(verdict_3()).code, exit_code::kVerdict + 3);
}

using Idling = KvmTest;

STRAIT_GUEST_CODE(halt, "mov dword ptr [0x3000], 1; cli; hlt")

/// How often KVM had the guest's HLT, once it waits in one.
std::uint64_t halts_that_left(bool idles_inside) {
  MicroGuest guest(1, idles_inside);
  const UniqueFd statistics = guest.vcpus.front()->statistics();
  guest.load(kCodeStart, halt());
  guest.start();
  EXPECT_TRUE(eventually([&] { return guest.result() == 1; }));
  const auto halts = [&] { return kvm::read_statistics(statistics.get())["halt_exits"]; };
  eventually([&, until = std::chrono::steady_clock::now() + std::chrono::milliseconds(50)] {
    return halts() > 0 || (idles_inside && std::chrono::steady_clock::now() > until);
  });
  guest.stop();  // out of its HLT, too
  return halts();
}

TEST_F(Idling, AHaltLeavesTheGuestOnlyWhereItDoesNotIdleInside) {
  if (std::filesystem::exists("/sys/module/kvm_pvm")) GTEST_SKIP() << "PVM has no real mode but in KVM's emulator, which sees every HLT";
  const kvm::Kvm kvm;
  if (const std::string why = error_of([&] { kvm.idle_exits(); }); why != "(no error)") GTEST_SKIP() << why;
  EXPECT_GT(halts_that_left(false), 0u);
  EXPECT_EQ(halts_that_left(true), 0u);
}

TEST_F(Idling, TheGuestIsToldOfMwaitOnlyWhereItHasIt) {
  constexpr std::uint32_t kMiscEnable = 0x1a0;  // SDM volume 4, IA32_MISC_ENABLE
  constexpr std::uint64_t kMonitorFsm = 1 << 18;
  for (const bool mwait : {false, true}) {
    const MicroGuest guest;
    guest.vcpus.front()->set_firmware_msrs({Gpa(3 * kGiB), kGiB}, 40, mwait);
    const std::uint64_t value = guest.vcpus.front()->msr(kMiscEnable).value_or(0);
    EXPECT_EQ((value & kMonitorFsm) != 0, mwait);
  }
}

}  // namespace
}  // namespace strait::test
