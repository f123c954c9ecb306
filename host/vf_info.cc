#include "host/vf_info.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "base/error.h"

namespace strait::host {
namespace {

/// Drivers that do not know a setting leave this in its place.
constexpr std::uint32_t kUnknown = ~0u;

/// Every attribute of a VF begins with the VF's number; one that is shorter than `T` says nothing.
template <typename T>
std::optional<T> value_of(nlattr* attribute) {
  if (attribute == nullptr || nla_len(attribute) < static_cast<int>(sizeof(T))) return std::nullopt;
  T value;
  std::memcpy(&value, nla_data(attribute), sizeof value);
  return value;
}

template <typename T>
std::optional<std::uint32_t> setting_of(nlattr* attribute) {
  const auto value = value_of<T>(attribute);
  return value && value->setting != kUnknown ? std::optional(value->setting) : std::nullopt;
}

void read_vlan(nlattr* const* attributes, VfSettings& settings) {
  if (const auto vlan = value_of<ifla_vf_vlan>(attributes[IFLA_VF_VLAN])) {
    settings.vlan = vlan->vlan;
    settings.vlan_qos = vlan->qos;
    settings.vlan_protocol = ETH_P_8021Q;
  }
  nlattr* const list = attributes[IFLA_VF_VLAN_LIST];
  if (list == nullptr) return;
  if (const auto vlan = value_of<ifla_vf_vlan_info>(nla_find(static_cast<nlattr*>(nla_data(list)), nla_len(list), IFLA_VF_VLAN_INFO))) {
    settings.vlan_protocol = ntohs(vlan->vlan_proto);
  }
}

/// One IFLA_VF_INFO.
void add_vf(nlattr* info, VfTable& table) {
  nlattr* attributes[IFLA_VF_MAX + 1] = {};
  if (nla_parse_nested(attributes, IFLA_VF_MAX, info, nullptr) < 0) return;
  const auto mac = value_of<ifla_vf_mac>(attributes[IFLA_VF_MAC]);
  if (!mac) return;
  VfSettings& settings = table[mac->vf];
  std::copy_n(mac->mac, std::tuple_size_v<MacAddress>, settings.mac.emplace().begin());
  read_vlan(attributes, settings);
  if (const auto rate = value_of<ifla_vf_rate>(attributes[IFLA_VF_RATE])) {
    settings.min_tx_rate = rate->min_tx_rate;
    settings.max_tx_rate = rate->max_tx_rate;
  }
  if (const auto on = setting_of<ifla_vf_spoofchk>(attributes[IFLA_VF_SPOOFCHK])) settings.spoofchk = *on != 0;
  if (const auto on = setting_of<ifla_vf_trust>(attributes[IFLA_VF_TRUST])) settings.trust = *on != 0;
  const auto state = value_of<ifla_vf_link_state>(attributes[IFLA_VF_LINK_STATE]);
  if (state && state->link_state <= IFLA_VF_LINK_STATE_DISABLE) settings.link_state = static_cast<VfLinkState>(state->link_state);
}

/// An attribute with others in it, ended with its scope.
class Nest {
 public:
  Nest(const NetlinkRequest& request, int type) : message_(request.message()), start_(nla_nest_start(message_, type)) {
    if (start_ == nullptr) throw Error::from_errno(EMSGSIZE, "making a netlink request");
  }
  ~Nest() { nla_nest_end(message_, start_); }
  Nest(const Nest&) = delete;
  Nest& operator=(const Nest&) = delete;

 private:
  nl_msg* message_;
  nlattr* start_;
};

template <typename T>
void put(NetlinkRequest& request, int type, const T& value) {
  request.put(type, &value, sizeof value);
}

/// The older attribute for the VLANs that everybody has: not every driver has the newer.
void put_vlan(NetlinkRequest& request, unsigned vf, std::uint32_t vlan, std::uint32_t qos, std::uint16_t protocol) {
  if (protocol == ETH_P_8021Q) return put(request, IFLA_VF_VLAN, ifla_vf_vlan{.vf = vf, .vlan = vlan, .qos = qos});
  const Nest list(request, IFLA_VF_VLAN_LIST);
  ifla_vf_vlan_info info = {};
  info.vf = vf;
  info.vlan = vlan;
  info.qos = qos;
  info.vlan_proto = htons(protocol);
  put(request, IFLA_VF_VLAN_INFO, info);
}

void put_settings(NetlinkRequest& request, unsigned vf, const VfSettings& settings) {
  if (settings.mac) {
    ifla_vf_mac mac = {};
    mac.vf = vf;
    std::ranges::copy(*settings.mac, mac.mac);
    put(request, IFLA_VF_MAC, mac);
  }
  if (settings.vlan) put_vlan(request, vf, *settings.vlan, settings.vlan_qos.value_or(0), settings.vlan_protocol.value_or(ETH_P_8021Q));
  if (settings.max_tx_rate) {
    put(request, IFLA_VF_RATE,
        ifla_vf_rate{.vf = vf, .min_tx_rate = settings.min_tx_rate.value_or(0), .max_tx_rate = *settings.max_tx_rate});
  }
  if (settings.spoofchk) put(request, IFLA_VF_SPOOFCHK, ifla_vf_spoofchk{.vf = vf, .setting = *settings.spoofchk});
  if (settings.trust) put(request, IFLA_VF_TRUST, ifla_vf_trust{.vf = vf, .setting = *settings.trust});
  if (settings.link_state) {
    put(request, IFLA_VF_LINK_STATE, ifla_vf_link_state{.vf = vf, .link_state = static_cast<std::uint32_t>(*settings.link_state)});
  }
}

ifinfomsg about(int index) {
  ifinfomsg body = {};
  body.ifi_index = index;
  return body;
}

}  // namespace

/// These answer a VF's mailbox in an interrupt that goes with the interface, and turn the VFs' queues off then.
bool vfs_need_pf_up(std::string_view driver) { return driver == "igb" || driver == "ixgbe"; }

VfTable parse_vf_table(const NetlinkMessage& message) {
  VfTable table;
  nlattr* const list = message.type() == RTM_NEWLINK ? message.attribute<ifinfomsg>(IFLA_VFINFO_LIST) : nullptr;
  if (list == nullptr) return table;
  int left = nla_len(list);
  for (auto* info = static_cast<nlattr*>(nla_data(list)); nla_ok(info, left) != 0; info = nla_next(info, &left)) {
    if (nla_type(info) == IFLA_VF_INFO) add_vf(info, table);
  }
  return table;
}

VfTable read_vf_table(const std::string& pf) {
  const int index = static_cast<int>(::if_nametoindex(pf.c_str()));
  if (index == 0) throw Error::from_errno(errno, fmt::format("looking for the interface {}", pf));
  NetlinkRequest request(RTM_GETLINK, 0);
  request.body(about(index));
  // Without the counters the answer has room for the VFs of every card: an attribute is at most 64 KiB long.
  request.put(IFLA_EXT_MASK, RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS);
  VfTable table;
  for (const NetlinkMessage& answer : Netlink().ask(request, fmt::format("reading the VFs of {}", pf))) table.merge(parse_vf_table(answer));
  return table;
}

NetlinkRequest make_vf_request(int index, unsigned vf, const VfSettings& settings) {
  NetlinkRequest request(RTM_SETLINK, 0);
  request.body(about(index));
  const Nest list(request, IFLA_VFINFO_LIST);
  const Nest info(request, IFLA_VF_INFO);
  put_settings(request, vf, settings);
  return request;
}

}  // namespace strait::host
