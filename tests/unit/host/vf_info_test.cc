#include "host/vf_info.h"

#include <linux/if_link.h>

#include <cstring>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/error_of.h"

namespace strait::host {
namespace {

constexpr int kIndex = 3;

VfSettings everything() {
  VfSettings settings;
  settings.mac = MacAddress{2, 0, 0, 0, 0, 7};
  settings.vlan = 100;
  settings.vlan_qos = 3;
  settings.vlan_protocol = 0x8100;
  settings.spoofchk = false;
  settings.trust = true;
  settings.link_state = VfLinkState::kEnable;
  settings.min_tx_rate = 1;
  settings.max_tx_rate = 2000;
  return settings;
}

/// A request as the kernel would give it back: it uses the same attributes in both directions.
NetlinkMessage as_answer(const NetlinkRequest& request) {
  nlmsghdr* const header = nlmsg_hdr(request.message());
  header->nlmsg_type = RTM_NEWLINK;
  return NetlinkMessage(header);
}

/// The kernel's answer about one VF, with these attributes in it.
template <typename... Types, typename... Attributes>
VfTable table_of(const std::pair<Types, Attributes>&... attributes) {
  NetlinkRequest request(RTM_NEWLINK, 0);
  request.body(ifinfomsg{});
  nlattr* const list = nla_nest_start(request.message(), IFLA_VFINFO_LIST);
  nlattr* const info = nla_nest_start(request.message(), IFLA_VF_INFO);
  (request.put(attributes.first, &attributes.second, sizeof attributes.second), ...);
  nla_nest_end(request.message(), info);
  nla_nest_end(request.message(), list);
  return parse_vf_table(as_answer(request));
}

TEST(VfInfo, WhatIsAskedForIsWhatIsRead) {
  const VfTable table = parse_vf_table(as_answer(make_vf_request(kIndex, 5, everything())));
  ASSERT_EQ(table.size(), 1u);
  EXPECT_EQ(table.at(5), everything());
}

TEST(VfInfo, AServiceVlanKeepsItsProtocol) {
  NetlinkRequest request = make_vf_request(kIndex, 5, {.vlan = 7, .vlan_qos = 2, .vlan_protocol = 0x88a8});
  const NetlinkMessage message = as_answer(request);
  nlattr* const list = message.attribute<ifinfomsg>(IFLA_VFINFO_LIST);
  auto* const vlans = static_cast<nlattr*>(nla_data(static_cast<nlattr*>(nla_data(list))));
  ASSERT_EQ(nla_type(vlans), IFLA_VF_VLAN_LIST);
  ifla_vf_vlan_info info = {};
  std::memcpy(&info, nla_data(static_cast<nlattr*>(nla_data(vlans))), sizeof info);
  EXPECT_EQ(info.vf, 5u);
  EXPECT_EQ(info.vlan, 7u);
  EXPECT_EQ(info.qos, 2u);
  EXPECT_EQ(std::memcmp(&info.vlan_proto, "\x88\xa8", 2), 0) << "network byte order";
}

TEST(VfInfo, WhatADriverDoesNotKnowHasNoValue) {
  const VfTable table = table_of(std::pair(IFLA_VF_MAC, ifla_vf_mac{.vf = 1, .mac = {2, 0, 0, 0, 0, 1}}),
                                 std::pair(IFLA_VF_SPOOFCHK, ifla_vf_spoofchk{.vf = 1, .setting = ~0u}),
                                 std::pair(IFLA_VF_TRUST, ifla_vf_trust{.vf = 1, .setting = 0}),
                                 std::pair(IFLA_VF_LINK_STATE, ifla_vf_link_state{.vf = 1, .link_state = 9}));
  VfSettings expected;
  expected.mac = MacAddress{2, 0, 0, 0, 0, 1};
  expected.trust = false;
  EXPECT_EQ(table.at(1), expected);
}

TEST(VfInfo, AnAttributeThatIsTooShortSaysNothing) {
  EXPECT_TRUE(table_of(std::pair(IFLA_VF_MAC, std::uint32_t{1})).empty());
  const VfTable table = table_of(std::pair(IFLA_VF_MAC, ifla_vf_mac{.vf = 1, .mac = {}}), std::pair(IFLA_VF_RATE, std::uint32_t{1}));
  EXPECT_FALSE(table.at(1).max_tx_rate);
}

TEST(VfInfo, AnInterfaceWithoutVfsHasNone) {
  EXPECT_TRUE(read_vf_table("lo").empty());
  EXPECT_THAT(test::error_of([] { read_vf_table("no_such_if"); }),
              testing::StartsWith("looking for the interface no_such_if: No such device"));
}

}  // namespace
}  // namespace strait::host
