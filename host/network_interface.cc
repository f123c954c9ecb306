#include "host/network_interface.h"

#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>

#include <algorithm>
#include <set>
#include <system_error>

#include <fmt/format.h>

#include "base/error.h"
#include "host/link_message.h"
#include "host/netlink.h"

namespace strait::host {
namespace fs = std::filesystem;
namespace {

using Messages = std::vector<NetlinkMessage>;

std::string mac_in(nlattr* attribute) {
  std::string text;
  if (attribute == nullptr) return text;
  const auto* bytes = static_cast<const std::uint8_t*>(nla_data(attribute));
  for (int i = 0; i < nla_len(attribute); ++i) text += fmt::format("{}{:02x}", i == 0 ? "" : ":", bytes[i]);
  return text;
}

nlattr* of_link(const NetlinkMessage& link, int type) { return link.attribute<ifinfomsg>(type); }

std::string name_of(const Messages& links, std::uint32_t index) {
  const auto found = std::ranges::find_if(links, [&](const NetlinkMessage& link) { return link_index(link) == static_cast<int>(index); });
  return found == links.end() ? std::string() : link_text(*found, IFLA_IFNAME);
}

/// Which link another is made upon, 0 for none. One in another namespace has a number of that one.
int lower_of(const NetlinkMessage& link) {
  return of_link(link, IFLA_LINK_NETNSID) != nullptr ? 0 : static_cast<int>(link_number(link, IFLA_LINK));
}

/// The two ends of a veth name each other, and neither is on top.
bool is_on(const NetlinkMessage& link, const NetlinkMessage& lower) {
  return link_index(link) != link_index(lower) && lower_of(link) == link_index(lower) && lower_of(lower) != link_index(link);
}

std::vector<std::string> addresses_of(Netlink& netlink, int index) {
  std::vector<std::string> addresses;
  for (const NetlinkMessage& message : netlink.dump(RTM_GETADDR)) {
    const auto& body = message.body<ifaddrmsg>();
    if (static_cast<int>(body.ifa_index) != index) continue;
    nlattr* const local = message.attribute<ifaddrmsg>(IFA_LOCAL);  // IFA_ADDRESS is the peer's, where there is one.
    nlattr* const address = local != nullptr ? local : message.attribute<ifaddrmsg>(IFA_ADDRESS);
    char text[INET6_ADDRSTRLEN] = {};
    if (address == nullptr || ::inet_ntop(body.ifa_family, nla_data(address), text, sizeof text) == nullptr) continue;
    addresses.push_back(fmt::format("{}/{}", text, body.ifa_prefixlen));
  }
  return addresses;
}

bool leaves_by(const NetlinkMessage& route, int index) {
  nlattr* const out = route.attribute<rtmsg>(RTA_OIF);
  if (out != nullptr && nla_get_u32(out) == static_cast<unsigned>(index)) return true;
  nlattr* const hops = route.attribute<rtmsg>(RTA_MULTIPATH);
  if (hops == nullptr) return false;
  auto* hop = static_cast<rtnexthop*>(nla_data(hops));
  for (int rest = nla_len(hops); RTNH_OK(hop, rest); hop = RTNH_NEXT(hop)) {
    if (hop->rtnh_ifindex == index) return true;
    rest -= RTNH_ALIGN(hop->rtnh_len);
  }
  return false;
}

bool has_default_route(Netlink& netlink, int index) {
  return std::ranges::any_of(netlink.dump(RTM_GETROUTE), [&](const NetlinkMessage& route) {
    const auto& body = route.body<rtmsg>();
    return body.rtm_dst_len == 0 && body.rtm_type == RTN_UNICAST && leaves_by(route, index);
  });
}

/// The innermost PCI function in a path of sysfs, by its address; empty where there is none.
std::string function_of(const fs::path& path) {
  std::string found;
  for (const fs::path& part : path) {
    const std::string& name = part.native();
    if (name.find(':') == std::string::npos || name.find('.') == std::string::npos) continue;
    try {
      if (Bdf::parse(name).to_string() == name) found = name;
    } catch (const UsageError&) {  // USB's have such names as well.
    }
  }
  return found;
}

}  // namespace

std::optional<NetworkInterface> network_interface(const std::string& name) {
  Netlink netlink;
  const Messages links = netlink.dump(RTM_GETLINK);
  const auto link = std::ranges::find_if(links, [&](const NetlinkMessage& one) { return is_called(one, name); });
  if (link == links.end()) return std::nullopt;
  NetworkInterface interface;
  interface.index = link_index(*link);
  interface.name = link_text(*link, IFLA_IFNAME);
  interface.altnames = link_altnames(*link);
  interface.mac = mac_in(of_link(*link, IFLA_ADDRESS));
  interface.permanent_mac = mac_in(of_link(*link, IFLA_PERM_ADDRESS));
  interface.mtu = link_number(*link, IFLA_MTU);
  interface.up = (link->body<ifinfomsg>().ifi_flags & IFF_UP) != 0;
  nlattr* const carrier = of_link(*link, IFLA_CARRIER);
  interface.carrier = interface.up && carrier != nullptr && nla_get_u8(carrier) != 0;
  interface.master = name_of(links, link_number(*link, IFLA_MASTER));
  for (const NetlinkMessage& other : links) {
    if (is_on(other, *link)) interface.uppers.push_back(link_text(other, IFLA_IFNAME));
  }
  interface.addresses = addresses_of(netlink, interface.index);
  interface.default_route = has_default_route(netlink, interface.index);
  return interface;
}

std::vector<std::string> interfaces_of(const Bdf& function, const fs::path& sysfs) {
  std::set<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(sysfs / "bus/pci/devices" / function.to_string() / "net", error)) {
    names.insert(entry.path().filename());
  }
  // Drivers on top of the function's have theirs further down, as with virtio and USB.
  for (const auto& entry : fs::directory_iterator(sysfs / "class/net", error)) {
    if (function_of(fs::read_symlink(entry.path(), error)) == function.to_string()) names.insert(entry.path().filename());
  }
  return {names.begin(), names.end()};
}

}  // namespace strait::host
