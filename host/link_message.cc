#include "host/link_message.h"

#include <linux/if_link.h>

#include <algorithm>
#include <string_view>

#include "base/error.h"

namespace strait::host {
namespace {

/// An attribute inside another; null where either is missing.
nlattr* find_in(nlattr* nest, int type) {
  return nest == nullptr ? nullptr : nla_find(static_cast<nlattr*>(nla_data(nest)), nla_len(nest), type);
}

}  // namespace

std::string link_text(const NetlinkMessage& link, int type) {
  nlattr* const attribute = link.attribute<ifinfomsg>(type);
  return attribute == nullptr ? std::string() : nla_get_string(attribute);
}

std::uint32_t link_number(const NetlinkMessage& link, int type) {
  nlattr* const attribute = link.attribute<ifinfomsg>(type);
  return attribute == nullptr ? 0 : nla_get_u32(attribute);
}

int link_index(const NetlinkMessage& link) { return link.body<ifinfomsg>().ifi_index; }

std::vector<std::string> link_altnames(const NetlinkMessage& link) {
  std::vector<std::string> names;
  nlattr* const list = link.attribute<ifinfomsg>(IFLA_PROP_LIST);
  if (list == nullptr) return names;
  nlattr* one;
  int rest;
  nla_for_each_nested(one, list, rest) {
    if (nla_type(one) == IFLA_ALT_IFNAME) names.push_back(nla_get_string(one));
  }
  return names;
}

std::vector<std::uint8_t> link_own_mac(const NetlinkMessage& link) {
  nlattr* const info = link.attribute<ifinfomsg>(IFLA_LINKINFO);
  nlattr* const kind = find_in(info, IFLA_INFO_SLAVE_KIND);
  const bool of_bond = kind != nullptr && std::string_view(nla_get_string(kind)) == "bond";
  nlattr* const own = of_bond ? find_in(find_in(info, IFLA_INFO_SLAVE_DATA), IFLA_BOND_SLAVE_PERM_HWADDR) : nullptr;
  nlattr* const mac = own != nullptr ? own : link.attribute<ifinfomsg>(IFLA_ADDRESS);
  if (mac == nullptr) return {};
  const auto* bytes = static_cast<const std::uint8_t*>(nla_data(mac));
  return {bytes, bytes + nla_len(mac)};
}

NetlinkMessage get_link(Netlink& netlink, int index) {
  ifinfomsg body = {};
  body.ifi_family = AF_UNSPEC;
  body.ifi_index = index;
  NetlinkRequest request(RTM_GETLINK, 0);
  const auto answers = netlink.ask(request.body(body), "asking for a network interface");
  if (answers.empty()) throw Error("asking for a network interface: no answer");
  return answers.front();
}

bool is_called(const NetlinkMessage& link, const std::string& name) {
  if (link_text(link, IFLA_IFNAME) == name) return true;
  const auto names = link_altnames(link);
  return std::ranges::find(names, name) != names.end();
}

std::optional<NetlinkMessage> find_link(Netlink& netlink, const std::string& name) {
  const auto links = netlink.dump(RTM_GETLINK);
  const auto found = std::ranges::find_if(links, [&](const NetlinkMessage& link) { return is_called(link, name); });
  return found == links.end() ? std::nullopt : std::optional(*found);
}

}  // namespace strait::host
