#include "cli/vf_list.h"

#include <linux/if_ether.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "binding/lock.h"
#include "binding/sriov.h"
#include "cli/screen.h"
#include "host/pci_function.h"

namespace strait {
namespace {

using Json = nlohmann::json;

/// What a PF tells of a VF that everybody has who did not set it is no news.
bool is_usual(const std::string& key, const std::string& value) {
  constexpr std::pair<const char*, const char*> kUsual[] = {
      {"mac", "00:00:00:00:00:00"}, {"vlan", "0"},          {"vlanQoS", "0"},     {"vlanProto", "802.1q"}, {"spoofchk", "on"},
      {"trust", "off"},             {"link_state", "auto"}, {"min_tx_rate", "0"}, {"max_tx_rate", "0"},
  };
  return std::ranges::any_of(kUsual, [&](const auto& one) { return one.first == key && one.second == value; });
}

/// Who has the VF, as `strait vf list` says it: empty for nobody. A run has its lock before it opens it, so that looking does not come in
/// its way.
std::string used_by(const host::Bdf& vf, const binding::Host& host, const host::InterfaceLookup& look_up) {
  if (const int holder = binding::lock_holder(vf, host.run)) return fmt::format("by strait, process {}", holder);
  return binding::user_of(vf, host, look_up);
}

std::vector<std::string> news_of(const host::VfTable& table, unsigned index) {
  const auto found = table.find(index);
  std::vector<std::string> words;
  if (found == table.end()) return words;
  for (const auto& [key, value] : host::vf_setting_words(found->second)) {
    if (!is_usual(key, value)) words.push_back(key + "=" + value);
  }
  return words;
}

Json settings_json(const host::VfSettings& settings) {
  Json json = Json::object();
  const auto add = [&json](const char* name, const auto& value) { json[name] = value ? Json(*value) : Json(); };
  json["mac"] = settings.mac ? Json(host::to_string(*settings.mac)) : Json();
  add("vlan", settings.vlan);
  add("vlan_qos", settings.vlan_qos);
  json["vlan_protocol"] = settings.vlan_protocol ? Json(*settings.vlan_protocol == ETH_P_8021AD ? "802.1ad" : "802.1q") : Json();
  add("spoofchk", settings.spoofchk);
  add("trust", settings.trust);
  json["link_state"] = Json();
  for (const auto& [key, value] : host::vf_setting_words(settings)) {
    if (key == "link_state") json["link_state"] = value;
  }
  add("min_tx_rate", settings.min_tx_rate);
  add("max_tx_rate", settings.max_tx_rate);
  return json;
}

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

}  // namespace

std::vector<host::Bdf> functions_with_sriov(const binding::Host& host) {
  std::vector<host::Bdf> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(host.sysfs / "bus/pci/devices", error)) {
    const host::Bdf function = host::Bdf::parse(entry.path().filename().string());
    if (host::PciFunction(function, host.sysfs).sriov_total_vfs().value_or(0) > 0) found.push_back(function);
  }
  std::ranges::sort(found);
  return found;
}

std::string vf_table(const host::Bdf& bdf, const binding::Host& host) {
  const host::PciFunction pf(bdf, host.sysfs);
  const auto vfs = pf.virtual_functions();
  const std::string interface = pf.network_interface();
  std::string text = fmt::format("{}{}{}  driver {}, {} of {} VFs\n", bdf.to_string(), interface.empty() ? "" : "  ", interface,
                                 pf.driver().empty() ? "none" : pf.driver(), vfs.size(), pf.sriov_total_vfs().value_or(0));
  const host::VfTable table = host.changes->read_vfs(bdf);
  const auto look_up = host::interface_lookup();
  for (const host::VirtualFunction& vf : vfs) {
    const host::PciFunction function(vf.bdf, host.sysfs);
    const std::string driver = function.driver(), use = used_by(vf.bdf, host, look_up);
    const std::string head = fmt::format("{:>5}  {}  {:<10} ", vf.index, vf.bdf.to_string(), driver.empty() ? "-" : driver);
    text += head + hang(use.empty() ? "free" : "used " + use, head.size(), head.size()) + "\n";
    if (const auto news = news_of(table, vf.index); !news.empty()) {
      text += std::string(head.size(), ' ') + hang(fmt::format("{}", fmt::join(news, " ")), head.size(), head.size()) + "\n";
    }
  }
  return text;
}

nlohmann::json vf_json(const host::Bdf& bdf, const binding::Host& host) {
  const host::PciFunction pf(bdf, host.sysfs);
  const host::VfTable table = host.changes->read_vfs(bdf);
  const auto look_up = host::interface_lookup();
  Json vfs = Json::array();
  for (const host::VirtualFunction& vf : pf.virtual_functions()) {
    const host::PciFunction function(vf.bdf, host.sysfs);
    const auto settings = table.find(vf.index);
    vfs.push_back({{"index", vf.index},
                   {"address", vf.bdf.to_string()},
                   {"driver", text_or_null(function.driver())},
                   {"interface", text_or_null(function.network_interface())},
                   {"used", text_or_null(used_by(vf.bdf, host, look_up))},
                   {"settings", settings == table.end() ? Json() : settings_json(settings->second)}});
  }
  return {{"address", bdf.to_string()},
          {"interface", text_or_null(pf.network_interface())},
          {"driver", text_or_null(pf.driver())},
          {"total_vfs", pf.sriov_total_vfs().value_or(0)},
          {"vfs", vfs}};
}

}  // namespace strait
