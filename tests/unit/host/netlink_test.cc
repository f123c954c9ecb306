#include "host/netlink.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <net/if.h>

namespace strait::host {
namespace {

/// The last message of a dump, with the kernel's word on how it went.
struct Done {
  nlmsghdr header = {
      .nlmsg_len = NLMSG_LENGTH(sizeof(int)), .nlmsg_type = NLMSG_DONE, .nlmsg_flags = NLM_F_MULTI, .nlmsg_seq = 0, .nlmsg_pid = 0};
  int code = 0;
};

TEST(NetlinkTest, ADumpThatTheKernelGivesUpEndsWithItsError) {
  EXPECT_EQ(dump_error(Done{.code = -EMSGSIZE}.header), EMSGSIZE);
  EXPECT_EQ(dump_error(Done{.code = 0}.header), 0);
  EXPECT_EQ(dump_error(Done{.code = 12}.header), 0) << "how much it had to say";
  Done without;
  without.header.nlmsg_len = NLMSG_LENGTH(0);
  without.code = -EMSGSIZE;
  EXPECT_EQ(dump_error(without.header), 0) << "what is behind the message is not read";
}

TEST(NetlinkTest, OfADumpOnlyWhatIsWantedIsKept) {
  Netlink netlink;
  const auto all = netlink.dump(RTM_GETLINK);
  ASSERT_GE(all.size(), 1u);
  const auto is_loopback = [](const nlmsghdr& message) {
    return (static_cast<const ifinfomsg*>(nlmsg_data(&message))->ifi_flags & IFF_LOOPBACK) != 0;
  };
  const auto loopback = netlink.dump(RTM_GETLINK, AF_UNSPEC, is_loopback);
  ASSERT_EQ(loopback.size(), 1u);
  EXPECT_EQ(loopback[0].body<ifinfomsg>().ifi_index, 1);
  EXPECT_TRUE(netlink.dump(RTM_GETLINK, AF_UNSPEC, [](const nlmsghdr&) { return false; }).empty());
}

}  // namespace
}  // namespace strait::host
