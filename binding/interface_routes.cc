#include "binding/interface_routes.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "binding/boot_clock.h"
#include "binding/fault_point.h"
#include "binding/interface_addresses.h"
#include "binding/netlink_object.h"
#include "host/next_hops.h"

namespace strait::binding {
using host::Netlink;
using host::NetlinkMessage;
using host::NetlinkRequest;
using Json = nlohmann::json;
namespace {

/// One of the ways that a route has.
struct Leg {
  int index = 0;    ///< of the interface
  Bytes gateway;    ///< RTA_GATEWAY or RTA_VIA; empty for none
  Bytes next_hop;   ///< the rtnexthop with its attributes, where the route may have several

  bool is_same(const Leg& other) const { return index == other.index && gateway == other.gateway; }
};

Bytes bytes_in(nlattr* attribute) {
  const auto* const data = static_cast<const std::uint8_t*>(nla_data(attribute));
  return {data, data + nla_len(attribute)};
}

bool is_gateway(nlattr* attribute) { return nla_type(attribute) == RTA_GATEWAY || nla_type(attribute) == RTA_VIA; }

/// The legs in RTA_MULTIPATH.
std::vector<Leg> next_hops_in(nlattr* attribute) {
  std::vector<Leg> legs;
  host::each_next_hop(attribute, [&](rtnexthop& hop) {
    hop.rtnh_flags &= RTNH_F_ONLINK;  // The others are the kernel's to say.
    Leg leg{.index = hop.rtnh_ifindex, .gateway = {}, .next_hop = {}};
    const auto* const data = reinterpret_cast<const std::uint8_t*>(&hop);
    leg.next_hop.assign(data, data + hop.rtnh_len);
    Bytes attributes(data + sizeof hop, data + hop.rtnh_len);
    each_attribute(attributes, [&](nlattr* one) {
      if (is_gateway(one)) leg.gateway = bytes_in(one);
    });
    legs.push_back(std::move(leg));
  });
  return legs;
}

/// In seconds, nothing for a route that stays; only IPv6 has others. The kernel tells of it in ticks of USER_HZ.
std::optional<std::int64_t> lifetime_in(nlattr* attribute) {
  rta_cacheinfo info = {};
  std::memcpy(&info, nla_data(attribute), std::min<std::size_t>(sizeof info, static_cast<std::size_t>(nla_len(attribute))));
  return info.rta_expires == 0 ? std::nullopt : std::optional<std::int64_t>(info.rta_expires / ::sysconf(_SC_CLK_TCK));
}

/// A route in parts: what it is for, its ways, and all else.
class Route {
 public:
  Route(const rtmsg& body, Bytes attributes) : body_(body), attributes_(std::move(attributes)) {
    Leg only;
    each_attribute(attributes_, [&](nlattr* one) {
      if (nla_type(one) == RTA_MULTIPATH) legs_ = next_hops_in(one);
      if (nla_type(one) == RTA_OIF) only.index = static_cast<int>(nla_get_u32(one));
      if (is_gateway(one)) only.gateway = bytes_in(one);
      if (nla_type(one) == RTA_PREFSRC) has_source_ = true;
      if (nla_type(one) == RTA_CACHEINFO) lifetime_ = lifetime_in(one);
    });
    if (legs_.empty() && only.index != 0) legs_.push_back(std::move(only));
  }
  static Route of(const NetlinkMessage& message) {
    const auto attributes = message.attributes<rtmsg>();
    return {message.body<rtmsg>(), {attributes.begin(), attributes.end()}};
  }

  const rtmsg& body() const { return body_; }
  const std::vector<Leg>& legs() const { return legs_; }
  bool has_source() const { return has_source_; }
  /// How long it was to stay when it was read, in seconds; nothing for ever.
  std::optional<std::int64_t> lifetime() const { return lifetime_; }
  bool has_expired() const { return lifetime_ && *lifetime_ <= 0; }
  /// Makes it one that goes after so many seconds.
  void expire_after(std::int64_t seconds) { lifetime_ = seconds; }
  bool leaves_by(int index) const {
    return std::ranges::any_of(legs_, [&](const Leg& leg) { return leg.index == index; });
  }
  /// Without a gateway that must be reachable when it comes.
  bool is_direct() const { return legs_.size() == 1 && legs_.front().gateway.empty(); }
  /// That and the other are for the same packets: of two that are, the kernel takes one, or of IPv6 both as legs of one.
  bool is_for_the_same(const Route& other) const {
    return body_.rtm_family == other.body_.rtm_family && body_.rtm_dst_len == other.body_.rtm_dst_len &&
           body_.rtm_src_len == other.body_.rtm_src_len && body_.rtm_tos == other.body_.rtm_tos &&
           std::ranges::all_of(std::initializer_list<int>{RTA_DST, RTA_SRC, RTA_TABLE, RTA_PRIORITY},
                               [&](int type) { return attribute(type) == other.attribute(type); });
  }
  bool has(const Leg& leg) const {
    return std::ranges::any_of(legs_, [&](const Leg& its) { return its.is_same(leg); });
  }
  /// `now` has the indices that interfaces have now by those that they had; legs by an interface that has none any more go.
  void move(const std::map<int, int>& now) {
    for (Leg& leg : legs_) {
      if (const auto found = now.find(leg.index); found != now.end()) leg.index = found->second;
      if (leg.next_hop.size() >= sizeof(rtnexthop)) reinterpret_cast<rtnexthop*>(leg.next_hop.data())->rtnh_ifindex = leg.index;
    }
    std::erase_if(legs_, [](const Leg& leg) { return leg.index == 0; });
  }
  /// "2001:db8::/48", "default".
  std::string text() const {
    char text[INET6_ADDRSTRLEN] = {};
    const Bytes destination = attribute(RTA_DST);
    if (body_.rtm_dst_len == 0 || destination.empty()) return "default";
    ::inet_ntop(body_.rtm_family, destination.data(), text, sizeof text);
    return fmt::format("{}/{}", text, body_.rtm_dst_len);
  }

  /// What makes it, with those of its legs.
  NetlinkRequest request(int flags, const std::vector<Leg>& legs) const {
    NetlinkRequest request(RTM_NEWROUTE, flags);
    rtmsg body = body_;
    body.rtm_flags &= RTNH_F_ONLINK;
    request.body(body);
    Bytes attributes = attributes_;
    each_attribute(attributes, [&](nlattr* one) {
      switch (nla_type(one)) {
        case RTA_CACHEINFO:  // Statistics, and a lifetime of which less is left by now.
        case RTA_NH_ID:      // An object that went with the interface; what it said is in the other attributes.
        case RTA_MULTIPATH: break;
        case RTA_OIF: request.put(RTA_OIF, static_cast<std::uint32_t>(legs.front().index)); break;
        default: request.put(one->nla_type, nla_data(one), static_cast<std::size_t>(nla_len(one)));
      }
    });
    if (lifetime_) request.put(RTA_EXPIRES, static_cast<std::uint32_t>(*lifetime_));
    Bytes hops;
    for (const Leg& leg : legs) {
      hops.insert(hops.end(), leg.next_hop.begin(), leg.next_hop.end());
      if (!leg.next_hop.empty()) hops.resize(RTNH_ALIGN(hops.size()));
    }
    if (!hops.empty()) request.put(RTA_MULTIPATH, hops.data(), hops.size());
    return request;
  }

 private:
  Bytes attribute(int type) const {
    Bytes copy = attributes_, found;
    each_attribute(copy, [&](nlattr* one) {
      if (nla_type(one) == type) found = bytes_in(one);
    });
    return found;
  }

  rtmsg body_;
  Bytes attributes_;
  std::vector<Leg> legs_;
  bool has_source_ = false;
  std::optional<std::int64_t> lifetime_;
};

const rtmsg& body_in(const nlmsghdr& message) { return *static_cast<const rtmsg*>(nlmsg_data(&message)); }

bool is_administrators(const nlmsghdr& message) {
  const rtmsg& route = body_in(message);
  const auto by = route.rtm_protocol;
  return (route.rtm_flags & RTM_F_CLONED) == 0 && (by == RTPROT_BOOT || by == RTPROT_STATIC || by == RTPROT_DHCP);
}

/// Makes the routes of one interface.
class RouteRestorer {
 public:
  RouteRestorer(Netlink& netlink, int index, const Json& routes, bool all_alive) : netlink_(netlink), index_(index), all_alive_(all_alive) {
    // Of a table that may be long only what may be for the same packets.
    std::set<std::pair<int, int>> lengths;
    for (const Json& route : routes) {
      const auto body = body_of<rtmsg>(route);
      lengths.emplace(body.rtm_family, body.rtm_dst_len);
    }
    const auto may_be = [&](const nlmsghdr& message) {
      return lengths.contains({body_in(message).rtm_family, body_in(message).rtm_dst_len});
    };
    for (const NetlinkMessage& route : netlink.dump(RTM_GETROUTE, AF_UNSPEC, may_be)) there_.push_back(Route::of(route));
  }

  void restore(const Route& route) {
    const auto same = std::ranges::find_if(there_, [&](const Route& one) { return one.is_for_the_same(route); });
    try {
      same == there_.end() ? add(route) : complete(route, *same);
    } catch (const Error& error) {
      if (needs_source(route) && !usable()) {
        log::warning("{}: its source address is not usable yet, since the interface has no link; add it by hand (ip route add)",
                     attempt(route));
      } else if (!all_alive_ && wants_address(error.code())) {
        log::warning("{}: the lifetime of an address of the interface has passed; whoever gives it addresses adds it again", error.what());
      } else {
        throw Error::from_errno(error.code(), attempt(route), "add it by hand (ip route add)");
      }
    }
  }

 private:
  static std::string attempt(const Route& route) { return fmt::format("giving an interface its route {} back", route.text()); }

  void add(const Route& route) {
    const auto ours = legs(route, [this](const Leg& leg) { return leg.index == index_; });
    if (ours.size() < route.legs().size()) {
      try {
        return make(route, NLM_F_CREATE | NLM_F_EXCL, route.legs());
      } catch (const Error& error) {
        log::warning("{}: it comes without its ways by other interfaces; add them by hand (ip route replace)", error.what());
      }
    }
    make(route, NLM_F_CREATE | NLM_F_EXCL, ours);
  }
  /// The ways by the interface, to a route that has others.
  void complete(const Route& route, const Route& there) {
    const auto missing = legs(route, [&](const Leg& leg) { return leg.index == index_ && !there.has(leg); });
    if (missing.empty()) return;
    if (std::ranges::none_of(route.legs(), [&](const Leg& leg) { return there.has(leg); })) {
      log::warning("the route {} is there again by another way, which stays", route.text());
    } else if (route.body().rtm_family == AF_INET6) {
      make(route, NLM_F_CREATE | NLM_F_APPEND, missing);
    } else {
      auto all = legs(route, [&](const Leg& leg) { return leg.index == index_ || there.has(leg); });
      std::ranges::copy_if(there.legs(), std::back_inserter(all), [&](const Leg& leg) { return !route.has(leg); });
      make(route, NLM_F_CREATE | NLM_F_REPLACE, all);
    }
  }
  template <typename Wanted>
  static std::vector<Leg> legs(const Route& route, Wanted wanted) {
    std::vector<Leg> found;
    std::ranges::copy_if(route.legs(), std::back_inserter(found), wanted);
    return found;
  }
  void make(const Route& route, int flags, const std::vector<Leg>& legs) {
    if (needs_source(route)) usable();
    fault_point();
    try {
      netlink_.ask(route.request(flags, legs), attempt(route));
    } catch (const Error& error) {
      if (error.code() != EEXIST) throw;
    }
  }
  /// The kernel takes no source of IPv6 that is not usable yet.
  static bool needs_source(const Route& route) { return route.body().rtm_family == AF_INET6 && route.has_source(); }
  /// Whether that is how the kernel refuses a source or a gateway that no address of the interface goes with.
  static bool wants_address(int code) { return code == EINVAL || code == ENETUNREACH || code == EHOSTUNREACH; }
  /// Whether the interface's own addresses may be used. It is waited for once.
  bool usable() {
    if (!usable_) usable_ = await_addresses(netlink_, index_);
    return *usable_;
  }

  Netlink& netlink_;
  int index_;
  bool all_alive_;  ///< the interface's addresses
  std::vector<Route> there_;
  std::optional<bool> usable_;
};

/// The route of a record, by the interface that has `index` now. What other interfaces it leaves by is known by their names: one that is
/// taken and comes back has another index.
Route recorded_route(const Json& json, int index) {
  Route route(body_of<rtmsg>(json), attributes_of(json));
  std::map<int, int> now = {{json.at("index").get<int>(), index}};
  const Json others = json.value("others", Json::object());
  for (const auto& [name, before] : others.items()) {
    now[before] = static_cast<int>(::if_nametoindex(name.c_str()));
    if (now[before] == 0) log::warning("the route {} comes without its way by {}, which is not there", route.text(), name);
  }
  route.move(now);
  if (json.contains("expires")) route.expire_after(json.at("expires").get<std::int64_t>() - seconds_since_boot());
  return route;
}

}  // namespace

Json read_routes(Netlink& netlink, int index) {
  Json list = Json::array();
  for (const NetlinkMessage& message : netlink.dump(RTM_GETROUTE, AF_UNSPEC, is_administrators)) {
    const Route route = Route::of(message);
    if (!route.leaves_by(index)) continue;
    list.push_back(describe<rtmsg>(message));
    list.back()["index"] = index;
    for (const Leg& leg : route.legs()) {
      char name[IF_NAMESIZE] = {};
      if (leg.index == index || ::if_indextoname(static_cast<unsigned>(leg.index), name) == nullptr) continue;
      list.back()["others"][name] = leg.index;
    }
    if (route.lifetime()) list.back()["expires"] = seconds_since_boot() + *route.lifetime();
  }
  return list;
}

void restore_routes(Netlink& netlink, int index, const Json& routes, bool all_alive, Attempts& attempts) {
  if (routes.empty()) return;
  RouteRestorer restorer(netlink, index, routes, all_alive);
  std::vector<Route> wanted;
  for (const Json& json : routes) {
    attempts([&] { wanted.push_back(recorded_route(json, index)); });
  }
  std::erase_if(wanted, [](const Route& route) { return route.has_expired(); });
  // A gateway must be reachable when its route comes.
  std::ranges::stable_partition(wanted, [](const Route& route) { return route.is_direct(); });
  for (const Route& route : wanted) {
    attempts([&] { restorer.restore(route); });
  }
}

}  // namespace strait::binding
