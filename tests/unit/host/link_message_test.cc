#include "host/link_message.h"

#include <linux/if_link.h>

#include <gtest/gtest.h>

namespace strait::host {
namespace {

using Mac = std::vector<std::uint8_t>;
const Mac kShown = {2, 0, 0, 0, 0, 1}, kOwn = {2, 0, 0, 0, 0, 2};

/// What the kernel says of an interface with the address kShown that belongs to a `kind` of interface, which knows it by kOwn.
NetlinkMessage link_of(const std::string& kind) {
  NetlinkRequest link(RTM_NEWLINK, 0);
  link.body(ifinfomsg{}).put(IFLA_IFNAME, "lan").put(IFLA_ADDRESS, kShown.data(), kShown.size());
  nlattr* const info = nla_nest_start(link.message(), IFLA_LINKINFO);
  link.put(IFLA_INFO_SLAVE_KIND, kind);
  nlattr* const data = nla_nest_start(link.message(), IFLA_INFO_SLAVE_DATA);
  link.put(IFLA_BOND_SLAVE_PERM_HWADDR, kOwn.data(), kOwn.size());
  nla_nest_end(link.message(), data);
  nla_nest_end(link.message(), info);
  return NetlinkMessage(nlmsg_hdr(link.message()));
}

TEST(LinkMessage, OneThatBelongsToABondHasAnAddressOfItsOwn) {
  EXPECT_EQ(link_own_mac(link_of("bond")), kOwn);
  EXPECT_EQ(link_own_mac(link_of("bridge")), kShown);
}

TEST(LinkMessage, WhatIsMissingIsEmpty) {
  EXPECT_EQ(link_text(link_of("bond"), IFLA_IFNAME), "lan");
  EXPECT_EQ(link_text(link_of("bond"), IFLA_IFALIAS), "");
  EXPECT_EQ(link_number(link_of("bond"), IFLA_MASTER), 0u);
  EXPECT_TRUE(link_altnames(link_of("bond")).empty());
}

}  // namespace
}  // namespace strait::host
