#include "binding/vf_undo.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "binding/function_paths.h"
#include "binding/vf_change.h"
#include "host/network_interface.h"

namespace strait::binding {
namespace {

/// Whether an interface with this addr_assign_type has a MAC address of its own: a random one, or one that was set. See the kernel's
/// Documentation/ABI/testing/sysfs-class-net.
bool is_own(std::string_view kind) { return kind == "1" || kind == "3"; }

/// The same of a VF that was on a driver of the host's.
bool chose_mac(const Record& record) {
  const auto& mac = record.vf->settings.mac;
  if (!record.driver || record.driver->driver.empty() || record.driver->driver == kVfioPci || !mac) return false;
  return std::ranges::any_of(record.interfaces, [&](const nlohmann::json& config) {
    return is_own(config.value("addr_assign_type", "")) && config.value("mac", std::vector<std::uint8_t>()) == std::vector(mac->begin(), mac->end());
  });
}

}  // namespace

bool host_chose_mac(const host::Bdf& vf, const host::MacAddress& mac, const std::filesystem::path& sysfs) {
  return std::ranges::any_of(host::interfaces_of(vf, sysfs), [&](const std::string& name) {
    return is_own(interface_text(vf, name, "addr_assign_type", sysfs)) && interface_text(vf, name, "address", sysfs) == host::to_string(mac);
  });
}

VfUndo::VfUndo(const Record& record, const Host& host) : before_(*record.vf), host_(host), chose_mac_(chose_mac(record)) {}

std::optional<host::VfSettings> VfUndo::now() const {
  std::error_code error;
  if (!std::filesystem::exists(host_.sysfs / "bus/pci/devices" / before_.pf.to_string(), error)) return std::nullopt;
  const host::VfTable table = host_.changes->read_vfs(before_.pf);
  const auto found = table.find(before_.index);
  return found == table.end() ? std::nullopt : std::optional(found->second);
}

void VfUndo::change(const host::VfSettings& settings) const { host_.changes->change_vf(before_.pf, before_.index, settings); }

void VfUndo::before_driver(Attempts& attempts) {
  attempts([&] {
    const auto there = now();
    if (!there) return;
    bool mac_is_back = true;
    for (const host::VfSettings& step : steps_back(before_, *there)) {
      // By trust one sees that the guest may have changed the address: it stays until that is done.
      if (step.trust && !mac_is_back) continue;
      if (step.mac && chose_mac_) {
        mac_is_back = free_mac(attempts);
      } else {
        const bool done = attempts([&] { change(step); });
        mac_is_back = mac_is_back && (done || !step.mac);
      }
    }
  });
}

bool VfUndo::free_mac(Attempts& attempts) {
  mac_is_ours_ = true;
  try {
    change({.mac = host::MacAddress()});
    return true;
  } catch (const Error& error) {
    log::debug("{}", error.what());
    return attempts([&] { change({.mac = before_.settings.mac}); });
  }
}

void VfUndo::after_driver(Attempts& attempts) {
  attempts([&] {
    if (!mac_is_ours_) return;
    const auto there = now();
    if (there && there->mac != before_.settings.mac) change({.mac = before_.settings.mac});
  });
}

}  // namespace strait::binding
