#include "binding/route.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "host/next_hops.h"

namespace strait::binding {
using host::NetlinkMessage;
using host::NetlinkRequest;
namespace {

RouteKey key_of(const rtmsg& body, const nlattr* attributes, int size) {
  RouteKey key{.family = body.rtm_family,
               .destination_length = body.rtm_dst_len,
               .source_length = body.rtm_src_len,
               .tos = body.rtm_tos};
  const auto copy = [&](int type, void* to, std::size_t room) {
    nlattr* const found = nla_find(attributes, size, type);
    if (found != nullptr) std::memcpy(to, nla_data(found), std::min(room, static_cast<std::size_t>(nla_len(found))));
  };
  copy(RTA_TABLE, &key.table, sizeof key.table);
  copy(RTA_PRIORITY, &key.priority, sizeof key.priority);
  copy(RTA_DST, key.destination.data(), key.destination.size());
  copy(RTA_SRC, key.source.data(), key.source.size());
  return key;
}

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

}  // namespace

RouteKey RouteKey::of(const nlmsghdr& message) {
  return key_of(*static_cast<const rtmsg*>(nlmsg_data(&message)), nlmsg_attrdata(&message, sizeof(rtmsg)),
                nlmsg_attrlen(&message, sizeof(rtmsg)));
}

Route::Route(const rtmsg& body, Bytes attributes)
    : body_(body),
      attributes_(std::move(attributes)),
      key_(key_of(body_, reinterpret_cast<const nlattr*>(attributes_.data()), static_cast<int>(attributes_.size()))) {
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

Route Route::of(const NetlinkMessage& message) {
  const auto attributes = message.attributes<rtmsg>();
  return {message.body<rtmsg>(), {attributes.begin(), attributes.end()}};
}

bool Route::leaves_by(int index) const {
  return std::ranges::any_of(legs_, [&](const Leg& leg) { return leg.index == index; });
}

bool Route::has(const Leg& leg) const {
  return std::ranges::any_of(legs_, [&](const Leg& its) { return its.is_same(leg); });
}

std::string Route::text() const {
  if (key_.destination_length == 0) return "default";
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(key_.family, key_.destination.data(), text, sizeof text);
  return fmt::format("{}/{}", text, key_.destination_length);
}

void Route::move(const std::map<int, int>& now) {
  for (Leg& leg : legs_) {
    if (const auto found = now.find(leg.index); found != now.end()) leg.index = found->second;
    if (leg.next_hop.size() >= sizeof(rtnexthop)) reinterpret_cast<rtnexthop*>(leg.next_hop.data())->rtnh_ifindex = leg.index;
  }
  std::erase_if(legs_, [](const Leg& leg) { return leg.index == 0; });
}

NetlinkRequest Route::request(int flags, const std::vector<Leg>& legs) const {
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

}  // namespace strait::binding
