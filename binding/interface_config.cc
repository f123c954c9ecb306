#include "binding/interface_config.h"

#include <linux/if.h>
#include <linux/if_link.h>

#include <algorithm>
#include <map>
#include <optional>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "binding/fault_point.h"
#include "binding/interface_addresses.h"
#include "binding/interface_sysctls.h"
#include "host/netlink.h"

namespace strait::binding {
namespace fs = std::filesystem;
using host::Netlink;
using host::NetlinkMessage;
using host::NetlinkRequest;
using Json = nlohmann::json;
namespace {

/// The flags that an administrator sets; the others say how the interface is doing.
constexpr unsigned kSettable = IFF_UP | IFF_PROMISC | IFF_ALLMULTI | IFF_NOARP | IFF_MULTICAST | IFF_DYNAMIC;

/// The numbers that go by one attribute each.
const std::map<std::string, int> kNumbers = {{"mtu", IFLA_MTU}, {"txqueuelen", IFLA_TXQLEN}, {"group", IFLA_GROUP}};

ifinfomsg link_body(int index) {
  ifinfomsg body = {};
  body.ifi_family = AF_UNSPEC;
  body.ifi_index = index;
  return body;
}

/// The link that is called `name`, and nothing where none is.
std::optional<NetlinkMessage> find(Netlink& netlink, const std::string& name) {
  for (const NetlinkMessage& link : netlink.dump(RTM_GETLINK)) {
    if (nlattr* const its = link.attribute<ifinfomsg>(IFLA_IFNAME); its != nullptr && name == nla_get_string(its)) return link;
  }
  return std::nullopt;
}

NetlinkMessage get(Netlink& netlink, int index) {
  NetlinkRequest request(RTM_GETLINK, 0);
  const auto answers = netlink.ask(request.body(link_body(index)), "asking for a network interface");
  if (answers.empty()) throw Error("asking for a network interface: no answer");
  return answers.front();
}

std::string text_in(const NetlinkMessage& link, int type) {
  nlattr* const attribute = link.attribute<ifinfomsg>(type);
  return attribute == nullptr ? std::string() : nla_get_string(attribute);
}

std::string master_of(Netlink& netlink, const NetlinkMessage& link) {
  nlattr* const master = link.attribute<ifinfomsg>(IFLA_MASTER);
  return master == nullptr ? std::string() : text_in(get(netlink, static_cast<int>(nla_get_u32(master))), IFLA_IFNAME);
}

std::vector<std::string> altnames_of(const NetlinkMessage& link) {
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

/// How IPv6 makes the link-local address: IFLA_INET6_ADDR_GEN_MODE, -1 where the kernel has no IPv6.
int address_mode(const NetlinkMessage& link) {
  nlattr* const families = link.attribute<ifinfomsg>(IFLA_AF_SPEC);
  nlattr* const inet6 = families == nullptr ? nullptr : nla_find(static_cast<nlattr*>(nla_data(families)), nla_len(families), AF_INET6);
  nlattr* const mode =
      inet6 == nullptr ? nullptr : nla_find(static_cast<nlattr*>(nla_data(inet6)), nla_len(inet6), IFLA_INET6_ADDR_GEN_MODE);
  return mode == nullptr ? -1 : nla_get_u8(mode);
}

std::vector<std::uint8_t> mac_of(const NetlinkMessage& link) {
  nlattr* const mac = link.attribute<ifinfomsg>(IFLA_ADDRESS);
  if (mac == nullptr) return {};
  const auto* bytes = static_cast<const std::uint8_t*>(nla_data(mac));
  return {bytes, bytes + nla_len(mac)};
}

Json describe(Netlink& netlink, const NetlinkMessage& link) {
  Json config = {{"name", text_in(link, IFLA_IFNAME)},
                 {"altnames", altnames_of(link)},
                 {"alias", text_in(link, IFLA_IFALIAS)},
                 {"mac", mac_of(link)},
                 {"flags", link.body<ifinfomsg>().ifi_flags & kSettable},
                 {"address_mode", address_mode(link)},
                 {"master", master_of(netlink, link)}};
  for (const auto& [name, type] : kNumbers) {
    nlattr* const attribute = link.attribute<ifinfomsg>(type);
    config[name] = attribute == nullptr ? 0 : nla_get_u32(attribute);
  }
  return config;
}

/// Brings the settings of one link in line, step by step. What it knows of the link is what it read last.
class LinkRestorer {
 public:
  LinkRestorer(Netlink& netlink, int index, const Json& wanted) : netlink_(netlink), index_(index), wanted_(wanted) { look(); }

  /// All that must be before the link is up.
  void prepare() {
    for (const std::string name : is_["altnames"]) {
      if (std::ranges::find(wanted_.at("altnames"), Json(name)) == wanted_.at("altnames").end()) alternative_name(RTM_DELLINKPROP, name);
    }
    look();
    // Many drivers change neither name nor address of a link that is up.
    if (differs("name") || differs("mac")) set_flags(is_["flags"].get<unsigned>() & ~IFF_UP);
    if (differs("name")) set("its name", to_link(), IFLA_IFNAME, wanted_.at("name").get<std::string>());
    for (const std::string name : wanted_.at("altnames")) {
      if (std::ranges::find(is_["altnames"], Json(name)) == is_["altnames"].end()) alternative_name(RTM_NEWLINKPROP, name);
    }
    if (differs("alias")) alias();
    if (differs("mac")) {
      const std::vector<std::uint8_t> mac = wanted_.at("mac");
      NetlinkRequest request = to_link();
      change("its MAC address", request.put(IFLA_ADDRESS, mac.data(), mac.size()));
    }
    for (const auto& [name, type] : kNumbers) {
      if (differs(name.c_str())) set("its " + name, to_link(), type, wanted_.at(name).get<std::uint32_t>());
    }
    if (differs("address_mode") && wanted_.at("address_mode") >= 0) address_mode_back();
    if (differs("master")) master();
  }

  void flags() { set_flags(wanted_.at("flags")); }

 private:
  void look() { is_ = describe(netlink_, get(netlink_, index_)); }
  bool differs(const char* key) const { return is_.at(key) != wanted_.at(key); }

  NetlinkRequest to_link() const {
    NetlinkRequest request(RTM_NEWLINK, 0);
    request.body(link_body(index_));
    return request;
  }

  void change(const std::string& what, const NetlinkRequest& request) {
    fault_point();
    netlink_.ask(request, fmt::format("giving the network interface {} {} back", wanted_.at("name").get<std::string>(), what));
  }

  template <typename Value>
  void set(const std::string& what, NetlinkRequest request, int type, const Value& value) {
    change(what, request.put(type, value));
  }

  void set_flags(unsigned flags) {
    look();
    const unsigned differing = (is_["flags"].get<unsigned>() ^ flags) & kSettable;
    if (differing == 0) return;
    ifinfomsg body = link_body(index_);
    body.ifi_flags = flags;
    body.ifi_change = differing;
    NetlinkRequest request(RTM_NEWLINK, 0);
    change("its flags", request.body(body));
  }

  void alternative_name(int type, const std::string& name) {
    NetlinkRequest request(type, type == RTM_NEWLINKPROP ? NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND : 0);
    request.body(link_body(index_));
    nlattr* const list = nla_nest_start(request.message(), IFLA_PROP_LIST | NLA_F_NESTED);
    request.put(IFLA_ALT_IFNAME, name);
    nla_nest_end(request.message(), list);
    change("the alternative name " + name, request);
  }

  /// The kernel takes the alias without a zero at its end, and an empty one removes it.
  void alias() {
    const std::string text = wanted_.at("alias");
    NetlinkRequest request = to_link();
    change("its alias", request.put(IFLA_IFALIAS, text.data(), text.size()));
  }

  void address_mode_back() {
    NetlinkRequest request = to_link();
    nlattr* const families = nla_nest_start(request.message(), IFLA_AF_SPEC);
    nlattr* const inet6 = nla_nest_start(request.message(), AF_INET6);
    const auto mode = wanted_.at("address_mode").get<std::uint8_t>();
    request.put(IFLA_INET6_ADDR_GEN_MODE, &mode, sizeof mode);
    nla_nest_end(request.message(), inet6);
    nla_nest_end(request.message(), families);
    change("its way to make IPv6 addresses", request);
  }

  void master() {
    const std::string name = wanted_.at("master");
    const auto link = name.empty() ? std::nullopt : find(netlink_, name);
    if (!name.empty() && !link) {
      log::warning("{}, which {} belonged to, is gone", name, wanted_.at("name").get<std::string>());
      return;
    }
    set("its master", to_link(), IFLA_MASTER, static_cast<std::uint32_t>(link ? link->body<ifinfomsg>().ifi_index : 0));
  }

  Netlink& netlink_;
  int index_;
  const Json& wanted_;
  Json is_;
};

}  // namespace

Json read_interface_config(const std::string& name, const fs::path& procfs) {
  Netlink netlink;
  const auto link = find(netlink, name);
  if (!link) throw Error(fmt::format("there is no network interface {}", name));
  const int index = link->body<ifinfomsg>().ifi_index;
  Json config = describe(netlink, *link);
  config["addresses"] = read_addresses(netlink, index);
  config["routes"] = read_routes(netlink, index);
  config["sysctls"] = read_sysctls(name, procfs);
  return config;
}

void restore_interface_config(const std::string& name, const Json& config, const fs::path& procfs) {
  Netlink netlink;
  const auto link = find(netlink, name);
  if (!link) throw Error(fmt::format("there is no network interface {}", name));
  const int index = link->body<ifinfomsg>().ifi_index;
  LinkRestorer restorer(netlink, index, config);
  restorer.prepare();
  restore_sysctls(config.at("name"), config.at("sysctls"), procfs);
  restorer.flags();
  restore_addresses(netlink, index, config.at("addresses"));
  restore_routes(netlink, index, config.at("routes"));
}

}  // namespace strait::binding
