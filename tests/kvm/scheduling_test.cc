// Where on the host vCPUs run, and what goes with them.

#include <gmock/gmock.h>

#include <filesystem>
#include <map>

#include "base/syscall.h"
#include "tests/kvm/micro_guest.h"

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

}  // namespace
}  // namespace strait::test
