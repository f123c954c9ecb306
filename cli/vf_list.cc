#include "cli/vf_list.h"

#include <linux/if_ether.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "binding/obstacles.h"
#include "binding/usage.h"
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

std::string use_text(const ListedVf& vf) {
  if (!vf.used) return "free or used: only root can tell";
  return vf.used->empty() ? "free" : "used " + *vf.used;
}

/// The settings that somebody has made.
std::string news_of(const ListedVf& vf) {
  std::string news;
  if (!vf.settings) return news;
  for (const auto& [key, value] : host::vf_setting_words(*vf.settings)) {
    if (!is_usual(key, value)) news += fmt::format("{}{}={}", news.empty() ? "" : " ", key, value);
  }
  return news;
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

Json vf_json(const ListedVf& vf) {
  return {{"index", vf.index},
          {"address", vf.bdf.to_string()},
          {"driver", text_or_null(vf.driver)},
          {"interface", text_or_null(vf.interface)},
          {"free", vf.used ? Json(vf.used->empty()) : Json()},
          {"used", text_or_null(vf.used.value_or(""))},
          {"settings", vf.settings ? settings_json(*vf.settings) : Json()}};
}

/// Who has the VF, as ListedVf::used says it.
std::optional<std::string> used_by(const host::PciFunction& vf, const host::OpenDevices& open, const host::InterfaceLookup& look_up,
                                   const binding::Host& host) {
  using State = binding::Usage::State;
  const binding::Usage usage = binding::usage_of(vf.bdf(), open, host);
  if (usage.state == State::kUsed) return "by " + usage.user;
  if (!vf.on_vfio()) return binding::user_of(vf.bdf(), host, look_up);
  return usage.state == State::kFree ? std::optional<std::string>("") : std::nullopt;
}

/// Throws Error where it is not there any more.
ListedVf look_at(const host::VirtualFunction& vf, const host::VfTable& table, const host::OpenDevices& open,
                 const host::InterfaceLookup& look_up, const binding::Host& host) {
  const host::PciFunction function(vf.bdf, host.sysfs);
  const auto settings = table.find(vf.index);
  return {.index = vf.index,
          .bdf = vf.bdf,
          .driver = function.driver(),
          .interface = function.network_interface(),
          .used = used_by(function, open, look_up, host),
          .settings = settings == table.end() ? std::nullopt : std::optional(settings->second)};
}

}  // namespace

ListedPf look_at_vfs(const host::Bdf& bdf, const host::OpenDevices& open, const binding::Host& host) {
  const host::PciFunction function(bdf, host.sysfs);
  const auto total = function.sriov_total_vfs();
  if (!total) throw Error(fmt::format("{} has no SR-IOV", bdf.to_string()), "strait vf list shows the functions that have");
  ListedPf pf = {.bdf = bdf, .driver = function.driver(), .interface = function.network_interface(), .total_vfs = *total, .vfs = {}};
  const host::VfTable table = host.changes->read_vfs(bdf);
  const host::InterfaceLookup look_up = host::interface_lookup();
  for (const host::VirtualFunction& vf : function.virtual_functions()) {
    try {
      pf.vfs.push_back(look_at(vf, table, open, look_up, host));
    } catch (const Error&) {
      // It has gone since it was found.
    }
  }
  return pf;
}

std::vector<ListedPf> look_at_all_vfs(const host::OpenDevices& open, const binding::Host& host) {
  std::vector<ListedPf> all;
  for (const host::Bdf& bdf : host::all_functions(host.sysfs)) {
    try {
      if (host::PciFunction(bdf, host.sysfs).sriov_total_vfs().value_or(0) > 0) all.push_back(look_at_vfs(bdf, open, host));
    } catch (const Error&) {
      std::error_code error;
      if (std::filesystem::exists(host.sysfs / "bus/pci/devices" / bdf.to_string(), error)) throw;
    }
  }
  return all;
}

std::string vf_table(const ListedPf& pf) {
  std::string text = fmt::format("{}{}{}  driver {}, {} of {} VFs\n", pf.bdf.to_string(), pf.interface.empty() ? "" : "  ", pf.interface,
                                 pf.driver.empty() ? "none" : pf.driver, pf.vfs.size(), pf.total_vfs);
  for (const ListedVf& vf : pf.vfs) {
    const std::string head = fmt::format("{:>5}  {}  {:<10} ", vf.index, vf.bdf.to_string(), vf.driver.empty() ? "-" : vf.driver);
    text += head + hang(use_text(vf), head.size(), head.size()) + "\n";
    if (const std::string news = news_of(vf); !news.empty()) {
      text += std::string(head.size(), ' ') + hang(news, head.size(), head.size()) + "\n";
    }
  }
  return text;
}

nlohmann::json vf_json(const ListedPf& pf) {
  Json vfs = Json::array();
  for (const ListedVf& vf : pf.vfs) vfs.push_back(vf_json(vf));
  return {{"address", pf.bdf.to_string()},
          {"interface", text_or_null(pf.interface)},
          {"driver", text_or_null(pf.driver)},
          {"total_vfs", pf.total_vfs},
          {"vfs", vfs}};
}

}  // namespace strait
