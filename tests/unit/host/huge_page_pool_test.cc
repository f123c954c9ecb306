#include "host/huge_page_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/units.h"
#include "tests/fakes/temporary_directory.h"
#include "tests/unit/error_of.h"

namespace strait::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

/// A host whose default huge pages are of 2 MiB.
class HugePagePoolTest : public testing::Test {
 protected:
  HugePagePoolTest() { root_.write("proc/meminfo", "MemTotal: 1 kB\nHugepagesize:       2048 kB\nHugetlb: 0 kB\n"); }

  void add_pool(const std::string& kib, unsigned total, unsigned free, unsigned promised = 0, unsigned overcommit = 0, unsigned surplus = 0) {
    const std::string directory = "sys/kernel/mm/hugepages/hugepages-" + kib + "kB/";
    root_.write(directory + "nr_hugepages", std::to_string(total) + "\n");
    root_.write(directory + "free_hugepages", std::to_string(free) + "\n");
    root_.write(directory + "resv_hugepages", std::to_string(promised) + "\n");
    root_.write(directory + "nr_overcommit_hugepages", std::to_string(overcommit) + "\n");
    root_.write(directory + "surplus_hugepages", std::to_string(surplus) + "\n");
  }
  void add_node(unsigned node, const std::string& kib, unsigned free) {
    root_.write("sys/devices/system/node/node" + std::to_string(node) + "/hugepages/hugepages-" + kib + "kB/free_hugepages",
                std::to_string(free) + "\n");
  }
  std::optional<HugePagePool> pool(std::uint64_t size) const { return huge_page_pool(size, root_.path() / "sys", root_.path() / "proc"); }
  void check(std::uint64_t bytes, std::uint64_t size) const { check_huge_page_pool(bytes, size, {}, root_.path() / "sys", root_.path() / "proc"); }
  std::string refusal(std::uint64_t bytes, std::uint64_t size) const {
    return test::error_of([&] { check(bytes, size); });
  }

  const test::TemporaryDirectory root_;
};

TEST_F(HugePagePoolTest, WhatOthersReservedCannotBeHad) {
  add_pool("2048", 512, 500, 100);
  EXPECT_EQ(pool(2 * kMiB)->available(), 400u);
  EXPECT_NO_THROW(check(800 * kMiB, 2 * kMiB));
  EXPECT_EQ(refusal(1024 * kMiB, 2 * kMiB),
            "the guest's memory takes 512 huge pages of 2M, but this host has only 400 that can be had; 'sysctl vm.nr_hugepages=624' makes them, "
            "if memory is not too fragmented");
}

TEST_F(HugePagePoolTest, WhatTheKernelMayMakeMeanwhileCounts) {
  add_pool("2048", 0, 0, 0, 300, 40);
  EXPECT_EQ(pool(2 * kMiB)->available(), 260u);
  EXPECT_NO_THROW(check(520 * kMiB, 2 * kMiB));
  EXPECT_THROW(check(522 * kMiB, 2 * kMiB), Error);
}

TEST_F(HugePagePoolTest, NodesAreToldWhereThereAreSeveral) {
  add_pool("2048", 100, 30);
  add_node(0, "2048", 10);
  EXPECT_THAT(refusal(512 * kMiB, 2 * kMiB), Not(HasSubstr("node")));
  add_node(1, "2048", 20);
  EXPECT_THAT(pool(2 * kMiB)->free_on_nodes, ElementsAre(Pair(0, 10), Pair(1, 20)));
  EXPECT_THAT(refusal(512 * kMiB, 2 * kMiB), HasSubstr("only 30 that can be had (free: 10 on node 0, 20 on node 1); 'sysctl vm.nr_hugepages=326'"));
}

TEST_F(HugePagePoolTest, ANodeMayBeAskedFor) {
  add_pool("2048", 100, 100);
  add_node(0, "2048", 90);
  add_node(1, "2048", 10);
  root_.write("sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages", "12\n");
  const auto check_node = [&](unsigned node) { check_huge_page_pool(64 * kMiB, 2 * kMiB, node, root_.path() / "sys", root_.path() / "proc"); };
  EXPECT_NO_THROW(check_node(0));
  EXPECT_EQ(test::error_of([&] { check_node(1); }),
            "the guest's memory takes 32 huge pages of 2M, but NUMA node 1 has only 10 free; 'echo 34 "
            ">/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages' makes them, if memory is not too fragmented");
}

TEST_F(HugePagePoolTest, LargePagesAreBestMadeAtBoot) {
  add_pool("1048576", 1, 1);
  EXPECT_FALSE(pool(kGiB)->is_default);
  EXPECT_EQ(refusal(4 * kGiB, kGiB),
            "the guest's memory takes 4 huge pages of 1G, but this host has only 1 that can be had; boot the host with hugepagesz=1G hugepages=4 on "
            "its kernel command line, or try 'echo 4 >/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages'");
}

TEST_F(HugePagePoolTest, SysctlIsForTheDefaultSizeOnly) {
  root_.write("proc/meminfo", "MemTotal: 1 kB\nHugepagesize:    1048576 kB\n");
  add_pool("2048", 0, 0);
  EXPECT_THAT(refusal(64 * kMiB, 2 * kMiB), HasSubstr("'echo 32 >/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages' makes them"));
}

TEST_F(HugePagePoolTest, AHostMayHaveNoneOfThatSize) {
  EXPECT_FALSE(pool(kGiB));
  EXPECT_EQ(refusal(kGiB, kGiB), "this host has no huge pages of 1G; its processor must have pdpe1gb; --hugepages 2M may do");
  EXPECT_THAT(refusal(kGiB, 2 * kMiB), HasSubstr("--hugepages thp"));
}

}  // namespace
}  // namespace strait::host
