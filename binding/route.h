#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "binding/netlink_object.h"
#include "host/netlink.h"

namespace strait::binding {

/// What packets a route is for: of two with the same key the kernel takes one, or of IPv6 both as legs of one.
struct RouteKey {
  /// Of a message with a rtmsg (RTM_NEWROUTE). Copies nothing else: there may be a million.
  static RouteKey of(const nlmsghdr& message);
  auto operator<=>(const RouteKey&) const = default;

  std::uint8_t family = 0, destination_length = 0, source_length = 0, tos = 0;
  std::uint32_t table = 0, priority = 0;
  std::array<std::uint8_t, 16> destination = {}, source = {};
};

/// One of the ways that a route has.
struct Leg {
  int index = 0;   ///< of the interface
  Bytes gateway;   ///< RTA_GATEWAY or RTA_VIA; empty for none
  Bytes next_hop;  ///< the rtnexthop with its attributes, where the route may have several

  bool is_same(const Leg& other) const { return index == other.index && gateway == other.gateway; }
};

/// A route in parts: what it is for, its ways, and all else.
class Route {
 public:
  Route(const rtmsg& body, Bytes attributes);
  static Route of(const host::NetlinkMessage& message);

  const RouteKey& key() const { return key_; }
  const std::vector<Leg>& legs() const { return legs_; }
  bool has_source() const { return has_source_; }
  /// How long it was to stay when it was read, in seconds; nothing for ever.
  std::optional<std::int64_t> lifetime() const { return lifetime_; }
  bool has_expired() const { return lifetime_ && *lifetime_ <= 0; }
  bool leaves_by(int index) const;
  bool has(const Leg& leg) const;
  /// Without a gateway that must be reachable when it comes.
  bool is_direct() const { return legs_.size() == 1 && legs_.front().gateway.empty(); }
  /// "2001:db8::/48", "default".
  std::string text() const;

  /// Makes it one that goes after so many seconds.
  void expire_after(std::int64_t seconds) { lifetime_ = seconds; }
  /// `now` has the indices that interfaces have now by those that they had; legs by an interface that has none any more go.
  void move(const std::map<int, int>& now);

  /// What makes it, with those of its legs.
  host::NetlinkRequest request(int flags, const std::vector<Leg>& legs) const;

 private:
  rtmsg body_;
  Bytes attributes_;
  RouteKey key_;
  std::vector<Leg> legs_;
  bool has_source_ = false;
  std::optional<std::int64_t> lifetime_;
};

}  // namespace strait::binding
