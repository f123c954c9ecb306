#include "binding/route.h"

#include <arpa/inet.h>

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace strait::binding {
namespace {

struct Destination {
  std::string address;
  std::uint8_t length = 24;
  std::uint32_t table = RT_TABLE_MAIN, metric = 0;
};

/// As a routing daemon's: with a gateway, which says nothing of what it is for.
host::NetlinkMessage route_to(const Destination& destination, const std::string& gateway = "192.0.2.254") {
  host::NetlinkRequest request(RTM_NEWROUTE, 0);
  rtmsg body = {};
  body.rtm_family = AF_INET;
  body.rtm_dst_len = destination.length;
  in_addr to = {}, by = {};
  ::inet_pton(AF_INET, destination.address.c_str(), &to);
  ::inet_pton(AF_INET, gateway.c_str(), &by);
  request.body(body).put(RTA_TABLE, destination.table).put(RTA_DST, &to, sizeof to);
  if (destination.metric != 0) request.put(RTA_PRIORITY, destination.metric);
  request.put(RTA_GATEWAY, &by, sizeof by).put(RTA_OIF, std::uint32_t{3});
  return host::NetlinkMessage(nlmsg_hdr(request.message()));
}

RouteKey key_of(const Destination& destination, const std::string& gateway = "192.0.2.254") {
  return Route::of(route_to(destination, gateway)).key();
}

/// A router has hundreds of thousands of the same length.
TEST(RouteKey, RoutesForOtherPacketsHaveOthers) {
  const std::set<RouteKey> keys = {
      key_of({.address = "10.1.1.0"}),
      key_of({.address = "10.1.2.0"}),
      key_of({.address = "10.1.1.0", .length = 25}),
      key_of({.address = "10.1.1.0", .table = 77}),
      key_of({.address = "10.1.1.0", .metric = 9}),
  };
  EXPECT_EQ(keys.size(), 5u);
  EXPECT_TRUE(keys.contains(key_of({.address = "10.1.1.0"}, "192.0.2.253"))) << "by another way";
}

TEST(RouteKey, AMessageHasThatOfItsRoute) {
  const Destination destination{.address = "10.1.1.0", .metric = 9};
  host::NetlinkRequest request(RTM_NEWROUTE, 0);
  const host::NetlinkMessage message = route_to(destination);
  request.body(message.body<rtmsg>()).raw(message.attributes<rtmsg>());
  EXPECT_EQ(RouteKey::of(*nlmsg_hdr(request.message())), key_of(destination));
  EXPECT_NE(RouteKey::of(*nlmsg_hdr(request.message())), key_of({.address = "10.1.1.0"}));
}

TEST(Route, ItIsNamedByItsDestination) {
  EXPECT_EQ(Route::of(route_to({.address = "10.1.1.0"})).text(), "10.1.1.0/24");
  EXPECT_EQ(Route::of(route_to({.address = "0.0.0.0", .length = 0})).text(), "default");
}

}  // namespace
}  // namespace strait::binding
