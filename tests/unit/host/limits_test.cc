#include "host/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/units.h"
#include "tests/fakes/temporary_directory.h"
#include "tests/unit/error_of.h"

namespace strait::host {
namespace {

using test::error_of;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Limits, MoreMemoryThanTheHostHasIsAnError) {
  const std::string message = error_of([] { check_available_memory(1ull << 50); });
  EXPECT_THAT(message, StartsWith("the guest is to have 1073741824 MiB of memory, but this host has only "));
  EXPECT_THAT(message, HasSubstr("MiB available; give a smaller --memory"));
}

TEST(Limits, WhatFitsIsNone) { EXPECT_NO_THROW(check_available_memory(16 * kMiB)); }

TEST(Limits, ANodeMayHaveNoMemoryThatCanBeHad) {
  const test::TemporaryDirectory root;
  root.write("sys/devices/system/node/has_memory", "0,2-3\n");
  root.write("proc/self/status", "Name:\tstrait\nMems_allowed:\t00000000,00000005\nMems_allowed_list:\t0,2\n");
  const auto error = [&](unsigned node) { return error_of([&] { check_memory_node(node, root.path() / "sys", root.path() / "proc"); }); };
  EXPECT_EQ(error(2), "(no error)");
  EXPECT_EQ(error(1), "--numa 1: that NUMA node has no memory; give one of 0,2-3");
  EXPECT_EQ(error(3),
            "--numa 3: this process may have memory only from NUMA node 0,2; name one of those, or give its cgroup more (cpuset.mems, "
            "AllowedMemoryNodes= in a systemd unit)");
  root.write("proc/self/status", "Name:\tstrait\n");
  EXPECT_EQ(error(3), "(no error)") << "a kernel without cpusets";
}

TEST(Limits, ANodesMemoryIsItsOwn) {
  const test::TemporaryDirectory sysfs;
  sysfs.write("devices/system/node/node1/meminfo",
              "Node 1 MemTotal:        4194304 kB\nNode 1 MemFree:          524288 kB\nNode 1 MemUsed:         3670016 kB\n"
              "Node 1 Active:          2097152 kB\nNode 1 Active(anon):    2000000 kB\nNode 1 Active(file):     262144 kB\n"
              "Node 1 Inactive(file):   131072 kB\nNode 1 SReclaimable:     131072 kB\n");
  const auto error = [&](std::uint64_t bytes) { return error_of([&] { check_node_memory(bytes, 1, sysfs.path()); }); };
  EXPECT_EQ(error(kGiB), "(no error)") << "free, or given up for a program that asks";
  EXPECT_EQ(error(kGiB + 1),
            "the guest is to have 1025 MiB of memory, but NUMA node 1 has only 1024 MiB available, of 4096 MiB; give a smaller --memory, another "
            "--numa, or leave that out: what the devices' node does not have comes from others then");
}

TEST(Limits, TheRemedyForLockedMemoryGivesTheNumbersThatHelp) {
  EXPECT_EQ(memlock_remedy(512 * kMiB),
            "raise it with 'ulimit -l 524288', LimitMEMLOCK=536870912 in a systemd unit, or 'USER - memlock 524288' in "
            "/etc/security/limits.conf");
  EXPECT_THAT(memlock_remedy(1025), HasSubstr("ulimit -l 2'")) << "whole KiB, rounded up";
}

TEST(Limits, RealTimeIsPossibleOrNot) {
  // 100 is no priority, to whomever.
  EXPECT_THAT(error_of([] { check_real_time(100); }), AllOf(StartsWith("having real-time priority 100: "), HasSubstr("LimitRTPRIO=100")));
}

TEST(Limits, ARealTimeThreadThatNeverSleepsIsStoppedByMostHosts) {
  const test::TemporaryDirectory proc;
  const auto warning = [&proc] {
    testing::internal::CaptureStderr();
    warn_of_throttling(proc.path());
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_EQ(warning(), "") << "a kernel without";
  proc.write("sys/kernel/sched_rt_period_us", "1000000\n");
  proc.write("sys/kernel/sched_rt_runtime_us", "-1\n");
  EXPECT_EQ(warning(), "");
  proc.write("sys/kernel/sched_rt_runtime_us", "950000\n");
  EXPECT_THAT(warning(), AllOf(HasSubstr("up to 50 ms in 1000 ms"), HasSubstr("sysctl kernel.sched_rt_runtime_us=-1")));
}

/// A process with CAP_IPC_LOCK and nothing else.
TEST(Limits, ACapabilityCountsOutsideOfUserNamespacesOnly) {
  const test::TemporaryDirectory proc;
  proc.write("self/status", "Name:\tstrait\nVmLck:\t      12 kB\nCapEff:\t0000000000004000\n");
  EXPECT_TRUE(locked_memory(proc.path()).capable) << "a kernel without user namespaces";
  EXPECT_EQ(locked_memory(proc.path()).locked, 12 * kKiB);
  proc.write("self/uid_map", "         0          0 4294967295\n");
  EXPECT_TRUE(locked_memory(proc.path()).capable);
  EXPECT_TRUE(locked_memory(proc.path()).unlimited);
  for (const char* map : {"         0     100000      65536\n", "         0       1000          1\n", ""}) {
    proc.write("self/uid_map", map);
    EXPECT_FALSE(locked_memory(proc.path()).capable) << map;
  }
  proc.write("self/uid_map", "         0          0 4294967295\n");
  proc.write("self/status", "Name:\tstrait\nCapEff:\t0000000000000000\n");
  EXPECT_FALSE(locked_memory(proc.path()).capable);
}

TEST(Limits, ThereIsAProcessor) { EXPECT_GE(usable_cpus(), 1u); }

}  // namespace
}  // namespace strait::host
