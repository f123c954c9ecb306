#include "vmm/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/error_of.h"

namespace strait {
namespace {

using Nodes = std::vector<std::optional<unsigned>>;

const host::HostCpus kTwoNodes{
    .present = {0, 1, 2, 3}, .online = {0, 1, 2, 3}, .nodes = {{0, {0, 1}}, {1, {2, 3}}}, .permitted = {0, 1, 2}, .inherited = {0, 1, 2}};
const host::HostCpus kOneNode{.present = {0, 1}, .online = {0, 1}, .nodes = {{0, {0, 1}}}, .permitted = {0, 1}, .inherited = {0, 1}};

RunOptions two_cpus() {
  RunOptions options;
  options.topology.cores = 2;
  return options;
}

TEST(PlacementTest, AGuestLivesWhereItsDevicesAre) {
  const Placement placement = place_guest(two_cpus(), Nodes{1, 1}, kTwoNodes);
  EXPECT_EQ(placement.node, 1u);
  EXPECT_FALSE(placement.strict);
  EXPECT_EQ(placement.vcpus, (Pinning{{2}, {2}})) << "where it may run there";
}

/// taskset, isolcpus=: whoever started strait on some processors has others for something else.
TEST(PlacementTest, ItKeepsToWhereStraitWasStarted) {
  host::HostCpus cpus = kTwoNodes;
  cpus.inherited = {1, 2};
  EXPECT_EQ(place_guest(two_cpus(), Nodes{0}, cpus).vcpus, (Pinning{{1}, {1}}));
  cpus.inherited = {1};
  const Placement placement = place_guest(two_cpus(), Nodes{1}, cpus);
  EXPECT_EQ(placement.vcpus, (Pinning{{}, {}})) << "not on that node";
  EXPECT_EQ(placement.node, 1u) << "where memory comes from all the same";
}

TEST(PlacementTest, ItLivesAnywhereWhereTheyDoNotAgree) {
  for (const Nodes& nodes : {Nodes{}, Nodes{0, 1}, Nodes{std::nullopt}, Nodes{1, std::nullopt}, Nodes{7}}) {
    const Placement placement = place_guest(two_cpus(), nodes, kTwoNodes);
    EXPECT_FALSE(placement.node);
    EXPECT_EQ(placement.vcpus, (Pinning{{}, {}}));
  }
}

TEST(PlacementTest, PinsStay) {
  RunOptions options = two_cpus();
  options.pinning = {{}, {0}};
  EXPECT_EQ(place_guest(options, Nodes{1}, kTwoNodes).vcpus, (Pinning{{2}, {0}}));
  EXPECT_EQ(place_guest(options, Nodes{}, kTwoNodes).vcpus, (Pinning{{}, {0}}));
}

TEST(PlacementTest, ANodeMayBeNamed) {
  RunOptions options = two_cpus();
  options.numa = {.by_devices = false, .node = 0};
  const Placement placement = place_guest(options, Nodes{1}, kTwoNodes);
  EXPECT_EQ(placement.node, 0u);
  EXPECT_TRUE(placement.strict);
  EXPECT_EQ(placement.vcpus, (Pinning{{0, 1}, {0, 1}}));
  options.numa.node = 5;
  EXPECT_EQ(test::error_of([&] { place_guest(options, Nodes{}, kTwoNodes); }), "--numa 5: this host has no such NUMA node; there are 0, 1");
}

TEST(PlacementTest, OffIsAnywhere) {
  RunOptions options = two_cpus();
  options.numa = {.by_devices = false, .node = {}};
  EXPECT_FALSE(place_guest(options, Nodes{1}, kTwoNodes).node);
}

TEST(PlacementTest, AHostWithOneNodeHasNothingToChoose) {
  RunOptions options = two_cpus();
  EXPECT_FALSE(place_guest(options, Nodes{0}, kOneNode).node);
  options.numa = {.by_devices = false, .node = 0};
  EXPECT_FALSE(place_guest(options, Nodes{0}, kOneNode).node);
  EXPECT_EQ(place_guest(options, Nodes{0}, kOneNode).vcpus, (Pinning{{}, {}}));
}

/// There is no node 1000 to be had: what a node without memory, a container's cpuset or its seccomp filter make of the call.
TEST(PlacementTest, AWishThatTheHostDoesNotGrantIsNoFailure) {
  const GuestMemory memory(std::vector<Range<Gpa>>{{Gpa(0), 2 * kMiB}});
  Placement placement{.node = 1000, .strict = false, .vcpus = {}};
  testing::internal::CaptureStderr();
  EXPECT_NO_THROW(bind(memory, placement));
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("having the guest's memory on NUMA node 1000: "));
  EXPECT_FALSE(placement.node) << "what the metrics say";
  Placement named{.node = 1000, .strict = true, .vcpus = {}};
  EXPECT_THAT(test::error_of([&] { bind(memory, named); }), testing::HasSubstr("give another --numa"));
}

}  // namespace
}  // namespace strait
