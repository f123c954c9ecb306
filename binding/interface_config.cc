#include "binding/interface_config.h"

#include <linux/if.h>
#include <linux/if_link.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "binding/attempts.h"
#include "binding/fault_point.h"
#include "binding/interface_addresses.h"
#include "binding/interface_link.h"
#include "binding/interface_routes.h"
#include "binding/interface_sysctls.h"
#include "host/link_message.h"
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

constexpr const char* kName = "its name";
constexpr const char* kMac = "its MAC address";

/// The numbers that go by one attribute each.
const std::map<std::string, int> kNumbers = {{"mtu", IFLA_MTU}, {"txqueuelen", IFLA_TXQLEN}, {"group", IFLA_GROUP}};

ifinfomsg link_body(int index) {
  ifinfomsg body = {};
  body.ifi_family = AF_UNSPEC;
  body.ifi_index = index;
  return body;
}

std::string master_of(Netlink& netlink, const NetlinkMessage& link) {
  nlattr* const master = link.attribute<ifinfomsg>(IFLA_MASTER);
  return master == nullptr ? std::string() : host::link_text(host::get_link(netlink, static_cast<int>(nla_get_u32(master))), IFLA_IFNAME);
}

Json describe(Netlink& netlink, const NetlinkMessage& link) {
  Json config = {{"name", host::link_text(link, IFLA_IFNAME)},
                 {"altnames", host::link_altnames(link)},
                 {"alias", host::link_text(link, IFLA_IFALIAS)},
                 {"mac", host::link_own_mac(link)},
                 {"flags", link.body<ifinfomsg>().ifi_flags & kSettable},
                 {"master", master_of(netlink, link)}};
  for (const auto& [name, type] : kNumbers) config[name] = host::link_number(link, type);
  return config;
}

std::string remedy(const std::string& what, int code) {
  if (what == kName && code == EEXIST) return "rename the interface that has this name now";
  if (what == kMac) return "if it is a VF's, the PF may not let it choose: ip link set PF vf N mac 00:00:00:00:00:00";
  return "set it by hand (ip link set)";
}

/// Brings the settings of one link in line, step by step, none of which needs another. What it knows of the link is what it read last.
class LinkRestorer {
 public:
  LinkRestorer(Netlink& netlink, int index, const Json& wanted, Attempts& attempts)
      : netlink_(netlink), index_(index), wanted_(wanted), attempts_(attempts) {
    look();
  }

  /// All that must be before the link is up.
  void prepare() {
    for (const std::string name : is_["altnames"]) {
      if (!wants_altname(name)) attempts_([&] { alternative_name(RTM_DELLINKPROP, name); });
    }
    look();
    // Many drivers change neither name nor address of a link that is up.
    if (differs("name") || differs("mac")) attempts_([&] { set_flags(is_["flags"].get<unsigned>() & ~IFF_UP); });
    if (differs("name")) attempts_([&] { set(kName, to_link(), IFLA_IFNAME, wanted_.at("name").get<std::string>()); });
    for (const std::string name : wanted_.at("altnames")) {
      if (std::ranges::find(is_["altnames"], Json(name)) == is_["altnames"].end()) {
        attempts_([&] { alternative_name(RTM_NEWLINKPROP, name); });
      }
    }
    if (differs("alias")) attempts_([&] { alias(); });
    if (differs("mac")) attempts_([&] { mac(); });
    for (const auto& [name, type] : kNumbers) {
      if (differs(name.c_str())) attempts_([&] { set("its " + name, to_link(), type, wanted_.at(name).get<std::uint32_t>()); });
    }
    look();
  }
  /// What it is called now.
  std::string name() const { return is_["name"]; }

  void master() {
    if (!differs("master")) return;
    const std::string name = wanted_.at("master");
    const auto link = name.empty() ? std::nullopt : host::find_link(netlink_, name);
    if (!name.empty() && !link) {
      log::warning("{}, which {} belonged to, is gone", name, wanted_.at("name").get<std::string>());
      return;
    }
    // A bond takes none that is up.
    attempts_([&] { set_flags(is_["flags"].get<unsigned>() & ~IFF_UP); });
    try {
      set("its master", to_link(), IFLA_MASTER, static_cast<std::uint32_t>(link ? host::link_index(*link) : 0));
    } catch (const Error& error) {
      // Some have a way of their own to take one, as Open vSwitch has.
      log::warning("{} does not belong to {} again: {}; add it there", wanted_.at("name").get<std::string>(), name, error.what());
    }
  }

  void flags() {
    attempts_([&] { set_flags(wanted_.at("flags")); });
  }

 private:
  void look() { is_ = describe(netlink_, host::get_link(netlink_, index_)); }
  bool differs(const char* key) const { return is_.at(key) != wanted_.at(key); }

  NetlinkRequest to_link() const {
    NetlinkRequest request(RTM_NEWLINK, 0);
    request.body(link_body(index_));
    return request;
  }

  bool wants_altname(const std::string& name) const {
    return std::ranges::find(wanted_.at("altnames"), Json(name)) != wanted_.at("altnames").end();
  }

  void change(const std::string& what, const NetlinkRequest& request) {
    const std::string attempt = fmt::format("giving the network interface {} {} back", wanted_.at("name").get<std::string>(), what);
    fault_point();
    try {
      netlink_.ask(request, attempt);
    } catch (const Error& error) {
      throw Error::from_errno(error.code(), attempt, remedy(what, error.code()));
    }
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

  void mac() {
    const std::vector<std::uint8_t> mac = wanted_.at("mac");
    NetlinkRequest request = to_link();
    change(kMac, request.put(IFLA_ADDRESS, mac.data(), mac.size()));
  }

  Netlink& netlink_;
  int index_;
  const Json& wanted_;
  Attempts& attempts_;
  Json is_;
};

NetlinkMessage find(Netlink& netlink, const std::string& name) {
  auto link = host::find_link(netlink, name);
  if (!link) throw Error(fmt::format("there is no network interface {}", name));
  return std::move(*link);
}

/// When the link comes, the kernel sets IPv6's MTU to the interface's, whatever it was set to before.
void restore_ipv6_mtu(Netlink& netlink, int index, const std::string& name, const Json& config, const fs::path& procfs) {
  constexpr const char* kMtu = "ipv6/mtu";
  const Json mtu = config.at("sysctls").value(kMtu, Json());
  const bool is_up = (config.at("flags").get<unsigned>() & IFF_UP) != 0;
  if (!is_up || mtu.is_null() || mtu == std::to_string(config.at("mtu").get<std::uint32_t>())) return;
  if (!await_link(netlink, index)) {
    log::warning("{} has no link yet, and when it comes the kernel forgets that net.ipv6.conf.{}.mtu was {}; set it again then (sysctl -w)",
                 name, name, mtu.get<std::string>());
  }
  restore_sysctls(name, {{kMtu, mtu}}, procfs);
}

}  // namespace

Json read_interface_config(const std::string& name, const fs::path& procfs) {
  Netlink netlink;
  const NetlinkMessage link = find(netlink, name);
  const int index = host::link_index(link);
  Json config = describe(netlink, link);
  config["addresses"] = read_addresses(netlink, index);
  config["routes"] = read_routes(netlink, index);
  config["sysctls"] = read_sysctls(name, procfs);
  return config;
}

void restore_interface_config(const std::string& name, const Json& config, const fs::path& procfs) {
  Netlink netlink;
  const int index = host::link_index(find(netlink, name));
  Attempts attempts;
  LinkRestorer link(netlink, index, config, attempts);
  link.prepare();
  restore_sysctls(link.name(), config.at("sysctls"), procfs);
  link.master();
  link.flags();
  const bool all_alive = restore_addresses(netlink, index, config.at("addresses"), attempts);
  restore_routes(netlink, index, config.at("routes"), all_alive, attempts);
  attempts([&] { restore_ipv6_mtu(netlink, index, link.name(), config, procfs); });
  attempts.finish();
}

}  // namespace strait::binding
