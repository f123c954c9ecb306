#include "binding/vf_undo.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "binding/function_paths.h"
#include "binding/vf_change.h"

namespace strait::binding {
namespace {

/// Whether the VF had its MAC address from its own driver, on the host: a random one, or one that was set by its interface.
bool chose_mac(const Record& record) {
  // See addr_assign_type in the kernel's Documentation/ABI/testing/sysfs-class-net.
  constexpr const char* kRandom = "1";
  constexpr const char* kSet = "3";
  const auto& mac = record.vf->settings.mac;
  if (!record.driver || record.driver->driver.empty() || record.driver->driver == kVfioPci || !mac) return false;
  return std::ranges::any_of(record.interfaces, [&](const nlohmann::json& config) {
    const auto kind = config.value("addr_assign_type", "");
    return (kind == kRandom || kind == kSet) && config.value("mac", std::vector<std::uint8_t>()) == std::vector(mac->begin(), mac->end());
  });
}

}  // namespace

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
    for (const host::VfSettings& step : steps_back(before_, *there)) {
      if (step.mac && chose_mac_) {
        free_mac(attempts);
      } else {
        attempts([&] { change(step); });
      }
    }
  });
}

void VfUndo::free_mac(Attempts& attempts) {
  mac_is_ours_ = true;
  try {
    change({.mac = host::MacAddress()});
  } catch (const Error& error) {
    log::debug("{}", error.what());
    attempts([&] { change({.mac = before_.settings.mac}); });
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
