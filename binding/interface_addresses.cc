#include "binding/interface_addresses.h"

#include <linux/if_addr.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <string>
#include <thread>

#include <fmt/format.h>

#include "base/error.h"
#include "binding/fault_point.h"

namespace strait::binding {
using host::Netlink;
using host::NetlinkMessage;
using host::NetlinkRequest;
using Json = nlohmann::json;
using Bytes = std::vector<std::uint8_t>;
namespace {

/// A message's fixed body and its attributes, in hexadecimal: whatever this kernel tells of an object, it takes to make it again.
template <typename Body>
Json describe(const NetlinkMessage& message) {
  const auto hex = [](const std::uint8_t* bytes, std::size_t size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += fmt::format("{:02x}", bytes[i]);
    return text;
  };
  const auto attributes = message.attributes<Body>();
  return {{"body", hex(reinterpret_cast<const std::uint8_t*>(&message.body<Body>()), sizeof(Body))},
          {"attributes", hex(attributes.data(), attributes.size())}};
}

Bytes bytes_of(const Json& hex) {
  const std::string text = hex;
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(text.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

template <typename Body>
Body body_of(const Json& object) {
  const Bytes bytes = bytes_of(object.at("body"));
  if (bytes.size() != sizeof(Body)) throw Error("the record of an interface's configuration is damaged");
  Body body;
  std::memcpy(&body, bytes.data(), sizeof body);
  return body;
}

/// Calls `visit(attribute)` for each of `attributes`, which it may change in place.
template <typename Visit>
void each_attribute(Bytes& attributes, Visit visit) {
  int rest = static_cast<int>(attributes.size());
  for (auto* one = reinterpret_cast<nlattr*>(attributes.data()); nla_ok(one, rest); one = nla_next(one, &rest)) visit(one);
}

/// Since the host booted, in seconds: it goes on while the host sleeps, as lifetimes do.
std::int64_t now() {
  timespec time = {};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return time.tv_sec;
}

/// What is left of a lifetime.
std::uint32_t remaining(std::uint32_t lifetime, std::int64_t elapsed) {
  constexpr std::uint32_t kForever = 0xffffffff;
  if (lifetime == kForever) return kForever;
  return static_cast<std::uint32_t>(std::max<std::int64_t>(0, std::int64_t{lifetime} - elapsed));
}

/// Makes an object that is not there. The kernel may need a moment, such as until it knows that an IPv6 address is nobody else's.
void make(Netlink& netlink, const NetlinkRequest& request, const std::string& attempt) {
  for (int attempts_left = 30;; --attempts_left) {
    fault_point();
    try {
      netlink.ask(request, attempt);
      return;
    } catch (const Error& error) {
      if (error.code() == EEXIST) return;
      if ((error.code() != EINVAL && error.code() != EHOSTUNREACH && error.code() != ENETUNREACH) || attempts_left == 0) throw;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

bool is_temporary(const NetlinkMessage& address) {
  nlattr* const flags = address.attribute<ifaddrmsg>(IFA_FLAGS);
  const auto& body = address.body<ifaddrmsg>();
  return body.ifa_family == AF_INET6 && ((flags != nullptr ? nla_get_u32(flags) : body.ifa_flags) & IFA_F_TEMPORARY) != 0;
}

void restore_address(Netlink& netlink, int index, const Json& address, std::int64_t elapsed) {
  auto body = body_of<ifaddrmsg>(address);
  body.ifa_index = static_cast<unsigned>(index);
  Bytes attributes = bytes_of(address.at("attributes"));
  bool alive = true;
  each_attribute(attributes, [&](nlattr* one) {
    if (nla_type(one) != IFA_CACHEINFO || nla_len(one) < static_cast<int>(sizeof(ifa_cacheinfo))) return;
    auto* times = static_cast<ifa_cacheinfo*>(nla_data(one));
    times->ifa_valid = remaining(times->ifa_valid, elapsed);
    times->ifa_prefered = std::min(remaining(times->ifa_prefered, elapsed), times->ifa_valid);
    alive = times->ifa_valid != 0;
  });
  if (!alive) return;
  NetlinkRequest request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
  request.body(body).raw(attributes);
  make(netlink, request, "giving an interface its address back");
}

bool is_same_address(const NetlinkMessage& there, const Json& address) {
  const auto body = body_of<ifaddrmsg>(address);
  const auto& other = there.body<ifaddrmsg>();
  if (body.ifa_family != other.ifa_family || body.ifa_prefixlen != other.ifa_prefixlen) return false;
  Bytes attributes = bytes_of(address.at("attributes"));
  bool same = true;
  each_attribute(attributes, [&](nlattr* one) {
    if (nla_type(one) != IFA_ADDRESS && nla_type(one) != IFA_LOCAL) return;
    nlattr* const its = there.attribute<ifaddrmsg>(nla_type(one));
    same = same && its != nullptr && nla_len(its) == nla_len(one) &&
           std::memcmp(nla_data(its), nla_data(one), static_cast<std::size_t>(nla_len(one))) == 0;
  });
  return same;
}

/// Calls `visit(index)` for the interface of each way that a route has.
template <typename Visit>
void each_way(nlattr* attribute, Visit visit) {
  if (nla_type(attribute) == RTA_OIF) {
    visit(*static_cast<int*>(nla_data(attribute)));
  } else if (nla_type(attribute) == RTA_MULTIPATH) {
    auto* way = static_cast<rtnexthop*>(nla_data(attribute));
    for (int rest = nla_len(attribute); RTNH_OK(way, rest);) {
      visit(way->rtnh_ifindex);
      way->rtnh_flags &= RTNH_F_ONLINK;  // The others are the kernel's to say.
      rest -= static_cast<int>(RTNH_ALIGN(way->rtnh_len));
      way = RTNH_NEXT(way);
    }
  }
}

bool is_ours_to_keep(const NetlinkMessage& route, int index) {
  const auto& body = route.body<rtmsg>();
  if ((body.rtm_flags & RTM_F_CLONED) != 0) return false;
  if (body.rtm_protocol == RTPROT_KERNEL || body.rtm_protocol == RTPROT_REDIRECT || body.rtm_protocol == RTPROT_RA) return false;
  const auto attributes = route.attributes<rtmsg>();
  Bytes copy(attributes.begin(), attributes.end());
  bool leaves = false;
  each_attribute(copy, [&](nlattr* one) { each_way(one, [&](int way) { leaves = leaves || way == index; }); });
  return leaves;
}

void restore_route(Netlink& netlink, int index, const Json& route) {
  const int before = route.at("index");
  auto body = body_of<rtmsg>(route);
  body.rtm_flags &= RTNH_F_ONLINK;
  Bytes attributes = bytes_of(route.at("attributes"));
  NetlinkRequest request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
  request.body(body);
  each_attribute(attributes, [&](nlattr* one) {
    // The first is statistics. A next hop object went with the interface; what it said is in the other attributes.
    if (nla_type(one) == RTA_CACHEINFO || nla_type(one) == RTA_NH_ID) return;
    each_way(one, [&](int& way) { way = way == before ? index : way; });
    request.put(one->nla_type, nla_data(one), static_cast<std::size_t>(nla_len(one)));
  });
  make(netlink, request, "giving an interface its route back");
}

}  // namespace

Json read_addresses(Netlink& netlink, int index) {
  Json list = Json::array();
  for (const NetlinkMessage& address : netlink.dump(RTM_GETADDR)) {
    if (static_cast<int>(address.body<ifaddrmsg>().ifa_index) != index || is_temporary(address)) continue;
    list.push_back(describe<ifaddrmsg>(address));
  }
  return {{"time", now()}, {"list", list}};
}

void restore_addresses(Netlink& netlink, int index, const Json& addresses) {
  const std::int64_t elapsed = now() - addresses.at("time").get<std::int64_t>();
  std::vector<NetlinkMessage> there = netlink.dump(RTM_GETADDR);
  std::erase_if(there, [&](const NetlinkMessage& one) { return static_cast<int>(one.body<ifaddrmsg>().ifa_index) != index; });
  std::vector<Json> missing;
  for (const Json& address : addresses.at("list")) {
    if (std::ranges::none_of(there, [&](const NetlinkMessage& one) { return is_same_address(one, address); })) missing.push_back(address);
  }
  // Of one scope, the kernel lists IPv4 addresses from the oldest, but IPv6 addresses from the newest.
  const auto older = std::ranges::stable_partition(missing, [](const Json& one) { return body_of<ifaddrmsg>(one).ifa_family != AF_INET6; });
  std::ranges::reverse(older);
  for (const Json& address : missing) restore_address(netlink, index, address, elapsed);
}

Json read_routes(Netlink& netlink, int index) {
  Json list = Json::array();
  for (const NetlinkMessage& route : netlink.dump(RTM_GETROUTE)) {
    if (!is_ours_to_keep(route, index)) continue;
    list.push_back(describe<rtmsg>(route));
    list.back()["index"] = index;
    list.back()["direct"] = route.attribute<rtmsg>(RTA_GATEWAY) == nullptr && route.attribute<rtmsg>(RTA_VIA) == nullptr &&
                            route.attribute<rtmsg>(RTA_MULTIPATH) == nullptr;
  }
  return list;
}

void restore_routes(Netlink& netlink, int index, const Json& routes) {
  // A gateway must be reachable when its route comes.
  for (const bool direct : {true, false}) {
    for (const Json& route : routes) {
      if (route.at("direct") == direct) restore_route(netlink, index, route);
    }
  }
}

}  // namespace strait::binding
