#include "host/cpus.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/fakes/temporary_directory.h"

namespace strait::host {
namespace {

TEST(HostCpusTest, SysfsTellsThem) {
  const test::TemporaryDirectory sysfs;
  sysfs.write("devices/system/cpu/present", "0-3\n");
  sysfs.write("devices/system/cpu/online", "0,2-3\n");
  sysfs.write("devices/system/node/online", "0,2\n");
  sysfs.write("devices/system/node/node0/cpulist", "0-1\n");
  sysfs.write("devices/system/node/node2/cpulist", "2-3\n");
  const HostCpus cpus = HostCpus::real(sysfs.path());
  EXPECT_EQ(cpus.nodes, (std::map<unsigned, CpuSet>{{0, {0, 1}}, {2, {2, 3}}}));
  EXPECT_EQ(cpus.present, (CpuSet{0, 1, 2, 3}));
  EXPECT_EQ(cpus.online, (CpuSet{0, 2, 3}));
}

TEST(HostCpusTest, WhatThisThreadKeepsToIsNoLimit) {
  const CpuSet before = thread_affinity();
  ASSERT_EQ(set_thread_affinity({*before.begin()}), 0);
  const HostCpus cpus = HostCpus::real();
  set_thread_affinity(before);
  EXPECT_TRUE(std::ranges::includes(cpus.permitted, before));
  EXPECT_EQ(cpus.inherited, CpuSet{*before.begin()}) << "but where it is to stay";
  EXPECT_TRUE(std::ranges::includes(cpus.online, cpus.permitted));
}

}  // namespace
}  // namespace strait::host
