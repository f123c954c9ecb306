#include "vmm/placement.h"

#include <gtest/gtest.h>

#include "tests/unit/error_of.h"

namespace strait {
namespace {

using Nodes = std::vector<std::optional<unsigned>>;

const host::HostCpus kTwoNodes{
    .present = {0, 1, 2, 3}, .online = {0, 1, 2, 3}, .nodes = {{0, {0, 1}}, {1, {2, 3}}}, .permitted = {0, 1, 2}};
const host::HostCpus kOneNode{.present = {0, 1}, .online = {0, 1}, .nodes = {{0, {0, 1}}}, .permitted = {0, 1}};

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

}  // namespace
}  // namespace strait
