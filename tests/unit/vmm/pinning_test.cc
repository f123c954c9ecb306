#include "vmm/pinning.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/unit/error_of.h"

namespace strait {
namespace {

std::string refusal(const char* text, unsigned vcpus) {
  return test::error_of<UsageError>([&] { parse_pinning(text, vcpus); });
}
constexpr const char* kRemedy = "; give a CPU for each vCPU in order, such as 2,3, or VCPU:CPUS, such as 0:2,1:3-4";

TEST(PinningTest, AListIsInOrder) {
  EXPECT_EQ(parse_pinning("2", 1), Pinning{{2}});
  EXPECT_EQ(parse_pinning("5,2-3", 3), (Pinning{{5}, {2}, {3}}));
  EXPECT_EQ(parse_pinning("4,4", 2), (Pinning{{4}, {4}})) << "two may share one";
}

TEST(PinningTest, OthersAreNamed) {
  EXPECT_EQ(parse_pinning("0:2,1:3", 2), (Pinning{{2}, {3}}));
  EXPECT_EQ(parse_pinning("1:3-4,6,0:2", 2), (Pinning{{2}, {3, 4, 6}})) << "what has no colon belongs to the one before it";
  EXPECT_EQ(parse_pinning("2:0", 4), (Pinning{{}, {}, {0}, {}})) << "not all need be pinned";
}

TEST(PinningTest, WhatIsNeitherIsAnError) {
  EXPECT_EQ(refusal("2,3", 3), std::string("--pin 2,3: 2 CPUs for 3 vCPUs") + kRemedy);
  EXPECT_EQ(refusal("0:2,2:3", 2), std::string("--pin 0:2,2:3: '2' is no vCPU of the guest's, which are 0 to 1") + kRemedy);
  EXPECT_EQ(refusal("0:2,0:3", 2), std::string("--pin 0:2,0:3: vCPU 0 is named twice") + kRemedy);
  for (const char* text : {"", ",", "a", "1-", "1,0:2", "0:", "0:1,", "0:1:2", "0:x"}) {
    EXPECT_EQ(refusal(text, 1), std::string("--pin ") + text + ": no list of CPUs" + kRemedy) << text;
  }
  EXPECT_EQ(refusal(":1", 1), std::string("--pin :1: '' is no vCPU of the guest's, which are 0 to 0") + kRemedy);
}

TEST(PinningTest, ProcessorsMustBeThereOnlineAndPermitted) {
  const host::HostCpus cpus{.present = {0, 1, 2, 3}, .online = {0, 1, 3}, .nodes = {}, .permitted = {0, 1}, .inherited = {0, 1}};
  EXPECT_NO_THROW(check_pinning({{0}, {}, {0, 1}}, cpus));
  const auto error = [&](const Pinning& pinning) { return test::error_of([&] { check_pinning(pinning, cpus); }); };
  EXPECT_EQ(error({{0}, {4}}), "--pin names CPU 4, but this host has 0-3; pin to CPUs that there are");
  EXPECT_EQ(error({{2}}), "--pin names CPU 2, which is offline; echo 1 >/sys/devices/system/cpu/cpu2/online");
  EXPECT_EQ(error({{3}}),
            "--pin names CPU 3, but this process may use only 0-1; pin to those, or give its cgroup more (cpuset.cpus, AllowedCPUs= in a systemd unit)");
}

TEST(PinningTest, DedicatedProcessorsAreOneVcpusAndNotAll) {
  const host::HostCpus cpus{.present = {0, 1, 2}, .online = {0, 1, 2}, .nodes = {}, .permitted = {1, 2}, .inherited = {1, 2}};
  EXPECT_NO_THROW(check_room_beside({{2}}, cpus, "--dedicated"));
  const auto error = [&](const Pinning& pinning) { return test::error_of([&] { check_room_beside(pinning, cpus, "--rt"); }); };
  EXPECT_EQ(error({{2}, {}}), "--rt: vCPU 1 is not pinned; name a CPU for each with --pin");
  EXPECT_EQ(error({{2}, {2}}), "(no error)");
  EXPECT_EQ(error({{1}, {2}}),
            "--rt: --pin takes all CPUs that this process may use, 1-2; leave one to the host and to strait's other threads: a vCPU that is busy gives "
            "them none of its own");
  EXPECT_NO_THROW(check_not_shared({{2}, {1}}));
  EXPECT_EQ(test::error_of([] { check_not_shared({{2}, {2}}); }),
            "--dedicated: vCPU 1 has to share CPU 2 with another; pin each vCPU to CPUs of its own");
}

TEST(PinningTest, StraitsOtherThreadsStayWhereItWasStarted) {
  host::HostCpus cpus{.present = {0, 1, 2, 3}, .online = {0, 1, 2, 3}, .nodes = {}, .permitted = {0, 1, 2, 3}, .inherited = {0, 1}};
  EXPECT_EQ(beside({2}, cpus), (CpuSet{0, 1}));
  EXPECT_EQ(beside({1, 2}, cpus), CpuSet{0});
  EXPECT_EQ(beside({0, 1}, cpus), (CpuSet{2, 3})) << "if something of that is left";
}

}  // namespace
}  // namespace strait
