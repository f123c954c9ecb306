#include "binding/interface_routes.h"

#include <net/if.h>

#include <algorithm>
#include <cerrno>
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
#include "binding/route.h"

namespace strait::binding {
using host::Netlink;
using host::NetlinkMessage;
using Json = nlohmann::json;
namespace {

bool is_administrators(const nlmsghdr& message) {
  const auto& route = *static_cast<const rtmsg*>(nlmsg_data(&message));
  const auto by = route.rtm_protocol;
  return (route.rtm_flags & RTM_F_CLONED) == 0 && (by == RTPROT_BOOT || by == RTPROT_STATIC || by == RTPROT_DHCP);
}

/// Makes the routes of one interface.
class RouteRestorer {
 public:
  RouteRestorer(Netlink& netlink, int index, const std::vector<Route>& wanted, bool all_alive)
      : netlink_(netlink), index_(index), all_alive_(all_alive) {
    // Of a table that may be long only what is for the same packets.
    std::set<RouteKey> keys;
    for (const Route& route : wanted) keys.insert(route.key());
    const auto is_wanted = [&](const nlmsghdr& message) { return keys.contains(RouteKey::of(message)); };
    for (const NetlinkMessage& message : netlink.dump(RTM_GETROUTE, AF_UNSPEC, is_wanted)) {
      Route route = Route::of(message);
      const RouteKey key = route.key();
      there_.emplace(key, std::move(route));
    }
  }

  void restore(const Route& route) {
    const auto same = there_.find(route.key());
    try {
      same == there_.end() ? add(route) : complete(route, same->second);
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
    } else if (route.key().family == AF_INET6) {
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
  static bool needs_source(const Route& route) { return route.key().family == AF_INET6 && route.has_source(); }
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
  std::map<RouteKey, Route> there_;
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
  std::vector<Route> wanted;
  for (const Json& json : routes) {
    attempts([&] { wanted.push_back(recorded_route(json, index)); });
  }
  std::erase_if(wanted, [](const Route& route) { return route.has_expired(); });
  if (wanted.empty()) return;
  RouteRestorer restorer(netlink, index, wanted, all_alive);
  // A gateway must be reachable when its route comes.
  std::ranges::stable_partition(wanted, [](const Route& route) { return route.is_direct(); });
  for (const Route& route : wanted) {
    attempts([&] { restorer.restore(route); });
  }
}

}  // namespace strait::binding
