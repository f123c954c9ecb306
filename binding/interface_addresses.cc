#include "binding/interface_addresses.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include <fmt/format.h>

#include "base/error.h"
#include "binding/await.h"
#include "binding/boot_clock.h"
#include "binding/fault_point.h"
#include "binding/netlink_object.h"

namespace strait::binding {
using host::Netlink;
using host::NetlinkMessage;
using host::NetlinkRequest;
using Json = nlohmann::json;
namespace {

/// What is left of a lifetime.
std::uint32_t remaining(std::uint32_t lifetime, std::int64_t elapsed) {
  constexpr std::uint32_t kForever = 0xffffffff;
  if (lifetime == kForever) return kForever;
  return static_cast<std::uint32_t>(std::max<std::int64_t>(0, std::int64_t{lifetime} - elapsed));
}

std::uint32_t flags_of(const NetlinkMessage& address) {
  nlattr* const flags = address.attribute<ifaddrmsg>(IFA_FLAGS);
  return flags != nullptr ? nla_get_u32(flags) : address.body<ifaddrmsg>().ifa_flags;
}

bool is_temporary(const NetlinkMessage& address) {
  return address.body<ifaddrmsg>().ifa_family == AF_INET6 && (flags_of(address) & IFA_F_TEMPORARY) != 0;
}

/// The kernel has yet to find out whether somebody else has it; once somebody has, that is final.
bool is_tentative(const NetlinkMessage& address) {
  return address.body<ifaddrmsg>().ifa_family == AF_INET6 && (flags_of(address) & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) == IFA_F_TENTATIVE;
}

std::vector<NetlinkMessage> addresses_of(Netlink& netlink, int index) {
  auto addresses = netlink.dump(RTM_GETADDR);
  std::erase_if(addresses, [&](const NetlinkMessage& one) { return static_cast<int>(one.body<ifaddrmsg>().ifa_index) != index; });
  return addresses;
}

std::string text_of(const ifaddrmsg& body, Bytes& attributes) {
  char text[INET6_ADDRSTRLEN] = {};
  each_attribute(attributes, [&](nlattr* one) {
    const std::size_t size = body.ifa_family == AF_INET6 ? sizeof(in6_addr) : sizeof(in_addr);
    if (nla_type(one) != IFA_LOCAL && (nla_type(one) != IFA_ADDRESS || text[0] != '\0')) return;
    if (nla_len(one) == static_cast<int>(size)) ::inet_ntop(body.ifa_family, nla_data(one), text, sizeof text);
  });
  return fmt::format("{}/{}", text, body.ifa_prefixlen);
}

/// False where its lifetime has passed.
bool restore_address(Netlink& netlink, int index, const Json& address, std::int64_t elapsed) {
  auto body = body_of<ifaddrmsg>(address);
  body.ifa_index = static_cast<unsigned>(index);
  Bytes attributes = attributes_of(address);
  bool alive = true;
  each_attribute(attributes, [&](nlattr* one) {
    if (nla_type(one) != IFA_CACHEINFO || nla_len(one) < static_cast<int>(sizeof(ifa_cacheinfo))) return;
    auto* times = static_cast<ifa_cacheinfo*>(nla_data(one));
    times->ifa_valid = remaining(times->ifa_valid, elapsed);
    times->ifa_prefered = std::min(remaining(times->ifa_prefered, elapsed), times->ifa_valid);
    alive = times->ifa_valid != 0;
  });
  if (!alive) return false;
  NetlinkRequest request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
  request.body(body).raw(attributes);
  const std::string attempt = fmt::format("giving an interface its address {} back", text_of(body, attributes));
  fault_point();
  try {
    netlink.ask(request, attempt);
  } catch (const Error& error) {
    if (error.code() != EEXIST) throw Error::from_errno(error.code(), attempt, "add it by hand (ip address add)");
  }
  return true;
}

bool is_same_address(const NetlinkMessage& there, const Json& address) {
  const auto body = body_of<ifaddrmsg>(address);
  const auto& other = there.body<ifaddrmsg>();
  if (body.ifa_family != other.ifa_family || body.ifa_prefixlen != other.ifa_prefixlen) return false;
  Bytes attributes = attributes_of(address);
  bool same = true;
  each_attribute(attributes, [&](nlattr* one) {
    if (nla_type(one) != IFA_ADDRESS && nla_type(one) != IFA_LOCAL) return;
    nlattr* const its = there.attribute<ifaddrmsg>(nla_type(one));
    same = same && its != nullptr && nla_len(its) == nla_len(one) &&
           std::memcmp(nla_data(its), nla_data(one), static_cast<std::size_t>(nla_len(one))) == 0;
  });
  return same;
}

}  // namespace

Json read_addresses(Netlink& netlink, int index) {
  Json list = Json::array();
  for (const NetlinkMessage& address : addresses_of(netlink, index)) {
    if (!is_temporary(address)) list.push_back(describe<ifaddrmsg>(address));
  }
  return {{"time", seconds_since_boot()}, {"list", list}};
}

bool restore_addresses(Netlink& netlink, int index, const Json& addresses, Attempts& attempts) {
  const std::int64_t elapsed = seconds_since_boot() - addresses.at("time").get<std::int64_t>();
  const auto there = addresses_of(netlink, index);
  std::vector<Json> missing;
  for (const Json& address : addresses.at("list")) {
    if (std::ranges::none_of(there, [&](const NetlinkMessage& one) { return is_same_address(one, address); })) missing.push_back(address);
  }
  // Of one scope, the kernel lists IPv4 addresses from the oldest, but IPv6 addresses from the newest.
  const auto older = std::ranges::stable_partition(missing, [](const Json& one) { return body_of<ifaddrmsg>(one).ifa_family != AF_INET6; });
  std::ranges::reverse(older);
  bool all_alive = true;
  for (const Json& address : missing) {
    attempts([&] { all_alive = restore_address(netlink, index, address, elapsed) && all_alive; });
  }
  return all_alive;
}

bool await_addresses(Netlink& netlink, int index, std::chrono::milliseconds patience) {
  return await(patience, [&] { return std::ranges::none_of(addresses_of(netlink, index), is_tentative); });
}

}  // namespace strait::binding
