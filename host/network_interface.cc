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
#include "base/syscall.h"
#include "host/link_message.h"
#include "host/netlink.h"
#include "host/next_hops.h"

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

std::vector<std::string> addresses_of(const Messages& all, int index) {
  std::vector<std::string> addresses;
  for (const NetlinkMessage& message : all) {
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
  bool found = false;
  each_next_hop(hops, [&](const rtnexthop& hop) { found = found || hop.rtnh_ifindex == index; });
  return found;
}

/// Where the packets go that no other route takes.
bool is_default_route(const nlmsghdr& message) {
  const auto& body = *static_cast<const rtmsg*>(nlmsg_data(&message));
  return body.rtm_dst_len == 0 && body.rtm_type == RTN_UNICAST;
}

/// The part of the network's configuration that says something of interfaces.
struct Snapshot {
  Messages links, addresses, default_routes;
};

Snapshot take_snapshot() {
  Netlink netlink;
  return {.links = netlink.dump(RTM_GETLINK),
          .addresses = netlink.dump(RTM_GETADDR),
          .default_routes = netlink.dump(RTM_GETROUTE, AF_UNSPEC, is_default_route)};
}

std::optional<NetworkInterface> find(const Snapshot& snapshot, const std::string& name) {
  const Messages& links = snapshot.links;
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
  interface.addresses = addresses_of(snapshot.addresses, interface.index);
  interface.default_route =
      std::ranges::any_of(snapshot.default_routes, [&](const NetlinkMessage& route) { return leaves_by(route, interface.index); });
  return interface;
}

/// Where sysfs has the interfaces of the function's driver, or of virtio's on top of it.
std::vector<fs::path> directories_of_interfaces(const Bdf& function, const fs::path& sysfs) {
  const fs::path device = sysfs / "bus/pci/devices" / function.to_string();
  std::vector<fs::path> directories = {device / "net"};
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(device, error)) {
    if (entry.path().filename().native().starts_with("virtio")) directories.push_back(entry.path() / "net");
  }
  return directories;
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

/// Representors say so: "pf0vf3", "pf0sf88". An uplink is "p0", and most drivers have no such name.
bool is_representor(const fs::path& interface) {
  try {
    const std::string port = read_text_file(interface / "phys_port_name");
    return port.find("vf") != std::string::npos || port.find("sf") != std::string::npos;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

InterfaceLookup interface_lookup() {
  return [snapshot = std::optional<Snapshot>()](const std::string& name) mutable {
    if (!snapshot) snapshot = take_snapshot();
    return find(*snapshot, name);
  };
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

bool has_interfaces_elsewhere(const Bdf& function, const fs::path& sysfs) {
  return std::ranges::any_of(directories_of_interfaces(function, sysfs), [](const fs::path& directory) {
    std::error_code error;
    const fs::directory_iterator first(directory, error);
    return !error && first == fs::directory_iterator();
  });
}

std::string pf_interface(const Bdf& function, const fs::path& sysfs) {
  for (const std::string& name : interfaces_of(function, sysfs)) {
    if (!is_representor(sysfs / "bus/pci/devices" / function.to_string() / "net" / name)) return name;
  }
  return "";
}

}  // namespace strait::host
