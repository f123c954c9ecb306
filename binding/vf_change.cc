#include "binding/vf_change.h"

#include <net/if.h>

#include <array>
#include <cerrno>
#include <cstddef>

#include <fmt/format.h>

#include "base/error.h"
#include "binding/fault_point.h"
#include "host/network_interface.h"

namespace strait::binding {
namespace {

/// Settings by the requests that make them; some may be empty.
using Parts = std::array<host::VfSettings, 6>;

Parts parts_of(const host::VfSettings& settings) {
  return {{{.mac = settings.mac},
           {.vlan = settings.vlan, .vlan_qos = settings.vlan_qos, .vlan_protocol = settings.vlan_protocol},
           {.min_tx_rate = settings.min_tx_rate, .max_tx_rate = settings.max_tx_rate},
           {.spoofchk = settings.spoofchk},
           {.trust = settings.trust},
           {.link_state = settings.link_state}}};
}

std::string words_of(const host::VfSettings& settings) {
  std::string text;
  for (const auto& [key, value] : host::vf_setting_words(settings)) text += fmt::format("{}{}={}", text.empty() ? "" : " ", key, value);
  return text;
}

std::string remedy(int code, const std::string& interface) {
  switch (code) {
    case EOPNOTSUPP: return fmt::format("the driver of {} cannot do that: leave it out", interface);
    case EPERM: return "run strait as root, or with CAP_NET_ADMIN";
    default:
      return fmt::format("the driver of {0} refuses this value (some want {0} to have a link for it); the kernel's log (dmesg) may say why",
                         interface);
  }
}

void request(const std::string& interface, unsigned index, const host::VfSettings& step) {
  const auto attempt = fmt::format("setting {} for VF {} of {}", words_of(step), index, interface);
  try {
    const auto number = static_cast<int>(::if_nametoindex(interface.c_str()));
    const host::NetlinkRequest message = host::make_vf_request(number, index, step);
    host::Netlink netlink;
    fault_point();
    netlink.ask(message, attempt);
  } catch (const Error& error) {
    if (error.code() == 0) throw;
    throw Error::from_errno(error.code(), attempt, remedy(error.code(), interface));
  }
}

}  // namespace

host::VfTable read_vfs(const host::Bdf& pf, const std::filesystem::path& sysfs) {
  const std::string interface = host::pf_interface(pf, sysfs);
  return interface.empty() ? host::VfTable() : host::read_vf_table(interface);
}

void change_vf(const host::Bdf& pf, unsigned index, const host::VfSettings& settings, const std::filesystem::path& sysfs) {
  if (settings.empty()) return;
  const std::string interface = host::pf_interface(pf, sysfs);
  const host::VfTable table = read_vfs(pf, sysfs);
  const auto now = table.find(index);
  if (now == table.end()) {
    throw Error(interface.empty() ? fmt::format("{} has no network interface to set {} with", pf.to_string(), words_of(settings))
                                  : fmt::format("the driver of {} ({}) knows no VF {}", interface, pf.to_string(), index),
                "give the PF to its network driver: the settings of its VFs are in that one's hands");
  }
  for (const host::VfSettings& step : in_steps(host::changes(now->second, settings))) request(interface, index, step);
}

std::vector<host::VfSettings> in_steps(const host::VfSettings& settings) {
  std::vector<host::VfSettings> steps;
  for (const host::VfSettings& part : parts_of(settings)) {
    if (!part.empty()) steps.push_back(part);
  }
  return steps;
}

std::vector<host::VfSettings> steps_back(const VfBefore& before, const host::VfSettings& now) {
  const Parts then = parts_of(before.settings), ours = parts_of(before.ours), there = parts_of(now);
  // Where strait has set the address, nobody but the PF's administrator changes it, unless the VF is trusted, or was reset.
  const bool by_guest = !before.ours.mac || now.trust.value_or(false) || now.mac == host::MacAddress();
  std::vector<host::VfSettings> steps;
  for (std::size_t i = 0; i < then.size(); ++i) {
    const bool still_ours = !ours[i].empty() && host::changes(there[i], ours[i]).empty();
    if (!host::changes(there[i], then[i]).empty() && (still_ours || (then[i].mac && by_guest))) steps.push_back(then[i]);
  }
  return steps;
}

}  // namespace strait::binding
