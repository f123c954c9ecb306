#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strait::host {

using MacAddress = std::array<std::uint8_t, 6>;

/// What a VF sees of the wire: what the PF sees, or always up or down. The values are the kernel's (IFLA_VF_LINK_STATE_...).
enum class VfLinkState : std::uint32_t { kAuto, kEnable, kDisable };

/// What a PF's driver enforces on one of its VFs (linux/if_link.h, IFLA_VF_...). A field without a value is one that nobody speaks of: the
/// driver does not tell it, or it is to stay as it is. The keys are those of the SR-IOV CNI plugin.
struct VfSettings {
  std::optional<MacAddress> mac = {};                ///< mac=; all zeros: the VF chooses for itself
  std::optional<std::uint32_t> vlan = {};            ///< vlan=: 0 for none, to 4094
  std::optional<std::uint32_t> vlan_qos = {};        ///< vlanQoS=: priority, 0 to 7
  std::optional<std::uint16_t> vlan_protocol = {};   ///< vlanProto=802.1q|802.1ad: the EtherType
  std::optional<bool> spoofchk = {};                 ///< spoofchk=: drops what the VF sends with another's address
  std::optional<bool> trust = {};                    ///< trust=: the VF may be promiscuous and change its MAC address
  std::optional<VfLinkState> link_state = {};        ///< link_state=auto|enable|disable
  std::optional<std::uint32_t> min_tx_rate = {};     ///< min_tx_rate=: Mbit/s, 0 for none
  std::optional<std::uint32_t> max_tx_rate = {};     ///< max_tx_rate=: Mbit/s, 0 for no limit

  bool empty() const { return *this == VfSettings(); }
  friend bool operator==(const VfSettings&, const VfSettings&) = default;
};

/// "mac=ADDRESS, vlan=0..4094, ...": what there is to set.
extern const std::string_view kVfSettingKeys;

/// Whether `key` is a setting's.
bool is_vf_setting(std::string_view key);
/// Sets one. Throws UsageError that begins with `where` ("--device ...,").
void set_vf_setting(VfSettings& settings, std::string_view key, std::string_view value, std::string_view where);
/// The settings that have a value as keys and values, in the order of the struct: what set_vf_setting() takes.
std::vector<std::pair<std::string, std::string>> vf_setting_words(const VfSettings& settings);
/// Throws UsageError, which begins with `where`, where settings contradict each other.
void check_vf_settings(const VfSettings& settings, std::string_view where);

std::string to_string(const MacAddress& mac);

/// The values in `wanted` that differ from those in `now`. VLAN number, priority and protocol are one setting of the kernel's and come
/// together, as both rates do, with what `wanted` leaves open filled in from `now`.
VfSettings changes(const VfSettings& now, const VfSettings& wanted);

}  // namespace strait::host
