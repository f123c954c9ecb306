#include "host/vf_settings.h"

#include <linux/if_ether.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <limits>

#include <fmt/format.h>

#include "base/error.h"

namespace strait::host {

const std::string_view kVfSettingKeys =
    "mac=ADDRESS, vlan=0..4094, vlanQoS=0..7, vlanProto=802.1q|802.1ad, spoofchk=on|off, trust=on|off, link_state=auto|enable|disable, "
    "min_tx_rate=MBITS, max_tx_rate=MBITS";

namespace {

constexpr std::uint32_t kVlanMax = 4094, kQosMax = 7;
constexpr std::string_view kLinkStates[] = {"auto", "enable", "disable"};

/// The whole of `text` as a number to base `base`, at most `limit`.
std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t limit, int base = 10) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size() || number > limit) return std::nullopt;
  return number;
}

/// Six pairs of hexadecimal digits with colons. A group address is none that a device may have.
std::optional<MacAddress> parse_mac(std::string_view text) {
  constexpr std::size_t kLength = 17;
  MacAddress mac = {};
  if (text.size() != kLength) return std::nullopt;
  for (std::size_t i = 0; i < mac.size(); ++i) {
    const auto byte = parse_number(text.substr(3 * i, 2), 0xff, 16);
    if (!byte || (i > 0 && text[3 * i - 1] != ':')) return std::nullopt;
    mac[i] = static_cast<std::uint8_t>(*byte);
  }
  return (mac[0] & 1) != 0 ? std::nullopt : std::optional(mac);
}

std::optional<bool> parse_switch(std::string_view text) {
  if (text == "on") return true;
  return text == "off" ? std::optional(false) : std::nullopt;
}

std::optional<std::uint16_t> parse_protocol(std::string_view text) {
  if (text == "802.1q" || text == "802.1Q") return static_cast<std::uint16_t>(ETH_P_8021Q);
  return text == "802.1ad" ? std::optional(static_cast<std::uint16_t>(ETH_P_8021AD)) : std::nullopt;
}

std::optional<VfLinkState> parse_link_state(std::string_view text) {
  const auto found = std::ranges::find(kLinkStates, text);
  return found == std::end(kLinkStates) ? std::nullopt : std::optional(static_cast<VfLinkState>(found - kLinkStates));
}

constexpr std::uint32_t kRateMax = std::numeric_limits<std::uint32_t>::max();

/// A setting, what a value of it looks like, and how to take one: false where it is none.
struct Key {
  std::string_view name, form;
  bool (*set)(VfSettings&, std::string_view);
};
constexpr Key kKeys[] = {
    {"mac", "an address of one device, such as 02:00:00:00:00:01",
     [](VfSettings& s, std::string_view v) { return (s.mac = parse_mac(v)).has_value(); }},
    {"vlan", "0 (none) to 4094", [](VfSettings& s, std::string_view v) { return (s.vlan = parse_number(v, kVlanMax)).has_value(); }},
    {"vlanQoS", "0 to 7", [](VfSettings& s, std::string_view v) { return (s.vlan_qos = parse_number(v, kQosMax)).has_value(); }},
    {"vlanProto", "802.1q or 802.1ad", [](VfSettings& s, std::string_view v) { return (s.vlan_protocol = parse_protocol(v)).has_value(); }},
    {"spoofchk", "on or off", [](VfSettings& s, std::string_view v) { return (s.spoofchk = parse_switch(v)).has_value(); }},
    {"trust", "on or off", [](VfSettings& s, std::string_view v) { return (s.trust = parse_switch(v)).has_value(); }},
    {"link_state", "auto, enable or disable",
     [](VfSettings& s, std::string_view v) { return (s.link_state = parse_link_state(v)).has_value(); }},
    {"min_tx_rate", "Mbit/s, 0 for none",
     [](VfSettings& s, std::string_view v) { return (s.min_tx_rate = parse_number(v, kRateMax)).has_value(); }},
    {"max_tx_rate", "Mbit/s, 0 for no limit",
     [](VfSettings& s, std::string_view v) { return (s.max_tx_rate = parse_number(v, kRateMax)).has_value(); }},
};

/// Keeps of `wanted` what is not so `now`.
template <typename T>
std::optional<T> change(const std::optional<T>& now, const std::optional<T>& wanted) {
  return wanted && wanted != now ? wanted : std::nullopt;
}

}  // namespace

bool is_vf_setting(std::string_view key) { return std::ranges::find(kKeys, key, &Key::name) != std::end(kKeys); }

void set_vf_setting(VfSettings& settings, std::string_view key, std::string_view value, std::string_view where) {
  const auto found = std::ranges::find(kKeys, key, &Key::name);
  if (found == std::end(kKeys)) {
    throw UsageError(fmt::format("{}{}: no setting of a VF", where, key), fmt::format("there are {}", kVfSettingKeys));
  }
  if (!found->set(settings, value)) {
    throw UsageError(fmt::format("{}{}={}: no such value", where, key, value), fmt::format("{} is {}", key, found->form));
  }
}

std::vector<std::pair<std::string, std::string>> vf_setting_words(const VfSettings& settings) {
  std::vector<std::pair<std::string, std::string>> words;
  const auto add = [&words](const char* key, std::string value) { words.emplace_back(key, std::move(value)); };
  const auto on_off = [](bool on) { return on ? "on" : "off"; };
  if (settings.mac) add("mac", to_string(*settings.mac));
  if (settings.vlan) add("vlan", std::to_string(*settings.vlan));
  if (settings.vlan_qos) add("vlanQoS", std::to_string(*settings.vlan_qos));
  if (settings.vlan_protocol) add("vlanProto", *settings.vlan_protocol == ETH_P_8021AD ? "802.1ad" : "802.1q");
  if (settings.spoofchk) add("spoofchk", on_off(*settings.spoofchk));
  if (settings.trust) add("trust", on_off(*settings.trust));
  if (settings.link_state) add("link_state", std::string(kLinkStates[static_cast<std::size_t>(*settings.link_state)]));
  if (settings.min_tx_rate) add("min_tx_rate", std::to_string(*settings.min_tx_rate));
  if (settings.max_tx_rate) add("max_tx_rate", std::to_string(*settings.max_tx_rate));
  return words;
}

void check_vf_settings(const VfSettings& settings, std::string_view where) {
  if (settings.max_tx_rate.value_or(0) != 0 && settings.min_tx_rate.value_or(0) > *settings.max_tx_rate) {
    throw UsageError(fmt::format("{}min_tx_rate={} is more than max_tx_rate={}", where, *settings.min_tx_rate, *settings.max_tx_rate),
                     "give a smaller min_tx_rate, or max_tx_rate=0 for no limit");
  }
  if (settings.vlan == 0u && settings.vlan_qos.value_or(0) != 0) {
    throw UsageError(fmt::format("{}vlanQoS={} without a VLAN", where, *settings.vlan_qos),
                     "give vlan= a number from 1 to 4094, or leave vlanQoS= out");
  }
}

std::string to_string(const MacAddress& mac) {
  return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

VfSettings changes(const VfSettings& now, const VfSettings& wanted) {
  VfSettings result = {.mac = change(now.mac, wanted.mac),
                       .vlan = change(now.vlan, wanted.vlan),
                       .vlan_qos = change(now.vlan_qos, wanted.vlan_qos),
                       .vlan_protocol = change(now.vlan_protocol, wanted.vlan_protocol),
                       .spoofchk = change(now.spoofchk, wanted.spoofchk),
                       .trust = change(now.trust, wanted.trust),
                       .link_state = change(now.link_state, wanted.link_state),
                       .min_tx_rate = change(now.min_tx_rate, wanted.min_tx_rate),
                       .max_tx_rate = change(now.max_tx_rate, wanted.max_tx_rate)};
  if (result.vlan || result.vlan_qos || result.vlan_protocol) {
    result.vlan = wanted.vlan.value_or(now.vlan.value_or(0));
    // A VLAN taken away takes its priority along: drivers refuse a priority without a VLAN.
    result.vlan_qos = wanted.vlan_qos.value_or(*result.vlan == 0 ? 0 : now.vlan_qos.value_or(0));
    result.vlan_protocol = wanted.vlan_protocol.value_or(*result.vlan == 0 ? ETH_P_8021Q : now.vlan_protocol.value_or(ETH_P_8021Q));
  }
  if (result.min_tx_rate || result.max_tx_rate) {
    result.min_tx_rate = wanted.min_tx_rate.value_or(now.min_tx_rate.value_or(0));
    result.max_tx_rate = wanted.max_tx_rate.value_or(now.max_tx_rate.value_or(0));
  }
  return result;
}

}  // namespace strait::host
