#include "vmm/device_spec.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"

namespace strait {
namespace {

constexpr std::string_view kKeys =
    "addr=SLOT, p2p=on|off, rombar=on|off, romfile=FILE, and for experiments dyn-msix, ioeventfd, irqfd, mmap, route-batch=on|off";
constexpr unsigned kLastSlot = 31;

constexpr std::pair<std::string_view, bool DeviceSpec::*> kSwitches[] = {
    {"dyn-msix", &DeviceSpec::dynamic_msix}, {"ioeventfd", &DeviceSpec::io_eventfds}, {"irqfd", &DeviceSpec::irqfds},
    {"mmap", &DeviceSpec::direct},           {"p2p", &DeviceSpec::peers},             {"rombar", &DeviceSpec::rom},
    {"route-batch", &DeviceSpec::batched},
};

bool parse_switch(std::string_view key, std::string_view value) {
  if (value == "on") return true;
  if (value == "off") return false;
  throw UsageError(fmt::format("--device ...,{}={}: neither on nor off", key, value), fmt::format("write {}=on or {}=off", key, key));
}

/// Hexadecimal, as QEMU and lspci have it.
unsigned parse_slot(std::string_view value) {
  const std::string_view digits = value.starts_with("0x") ? value.substr(2) : value;
  unsigned slot = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), slot, 16);
  if (error != std::errc() || end != digits.data() + digits.size() || slot < 1 || slot > kLastSlot) {
    throw UsageError(fmt::format("--device ...,addr={}: no slot", value), "give a slot of the guest's bus, 1 to 1f (hexadecimal)");
  }
  return slot;
}

void set(DeviceSpec& spec, std::string_view key, std::string_view value) {
  const auto found = std::ranges::find(kSwitches, key, &std::pair<std::string_view, bool DeviceSpec::*>::first);
  if (found != std::end(kSwitches)) {
    spec.*found->second = parse_switch(key, value);
  } else if (key == "addr") {
    spec.slot = parse_slot(value);
  } else if (key == "romfile") {
    spec.rom_file = value;
  } else {
    throw UsageError(fmt::format("--device ...,{}: unknown key", key), fmt::format("there are {}", kKeys));
  }
}

}  // namespace

DeviceSpec DeviceSpec::parse(std::string_view text) {
  auto comma = text.find(',');
  DeviceSpec spec;
  spec.bdf = host::Bdf::parse(text.substr(0, comma));
  while (comma != std::string_view::npos) {
    const auto start = comma + 1;
    comma = text.find(',', start);
    const std::string_view part = text.substr(start, comma == std::string_view::npos ? comma : comma - start);
    const auto equals = part.find('=');
    if (equals == std::string_view::npos || equals + 1 == part.size()) {
      throw UsageError(fmt::format("--device {}: '{}' is not KEY=VALUE", text, part), fmt::format("there are {}", kKeys));
    }
    set(spec, part.substr(0, equals), part.substr(equals + 1));
  }
  return spec;
}

std::vector<unsigned> assign_slots(std::span<const DeviceSpec> devices) {
  if (devices.size() > kLastSlot) {
    throw UsageError(fmt::format("{} devices are more than the guest's bus has slots", devices.size()), fmt::format("give at most {}", kLastSlot));
  }
  std::array<bool, kLastSlot + 1> taken{};
  taken[0] = true;  // the host bridge
  for (const DeviceSpec& device : devices) {
    if (!device.slot) continue;
    if (taken[*device.slot]) throw UsageError(fmt::format("two devices have addr={:x}", *device.slot), "give each a slot of its own");
    taken[*device.slot] = true;
  }
  std::vector<unsigned> slots;
  for (const DeviceSpec& device : devices) {
    const auto free = static_cast<unsigned>(std::ranges::find(taken, false) - taken.begin());
    slots.push_back(device.slot.value_or(free));
    taken[slots.back()] = true;
  }
  return slots;
}

}  // namespace strait
