#include "vmm/device_spec.h"

#include <fcntl.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"

namespace strait {
namespace {

constexpr std::string_view kKeys =
    "addr=SLOT[.FUNCTION], container-fd=N, fd=N, group=on|off, group-fd=N, p2p=on|off, rombar=on|off, romfile=FILE, vf-token=UUID, "
    "and for experiments dyn-msix, ioeventfd, irqfd, mmap, route-batch=on|off";
constexpr unsigned kLastSlot = 31, kLastFunction = 7;

constexpr std::pair<std::string_view, bool DeviceSpec::*> kSwitches[] = {
    {"dyn-msix", &DeviceSpec::dynamic_msix}, {"group", &DeviceSpec::group},         {"ioeventfd", &DeviceSpec::io_eventfds},
    {"irqfd", &DeviceSpec::irqfds},          {"mmap", &DeviceSpec::direct},         {"p2p", &DeviceSpec::peers},
    {"rombar", &DeviceSpec::rom},            {"route-batch", &DeviceSpec::batched},
};

bool parse_switch(std::string_view key, std::string_view value) {
  if (value == "on") return true;
  if (value == "off") return false;
  throw UsageError(fmt::format("--device ...,{}={}: neither on nor off", key, value), fmt::format("write {}=on or {}=off", key, key));
}

/// The number that `digits` are in hexadecimal, as QEMU and lspci write slots; nothing where they are none, or it is larger than `limit`.
std::optional<unsigned> parse_hex(std::string_view digits, unsigned limit) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
  if (error != std::errc() || end != digits.data() + digits.size() || number > limit) return std::nullopt;
  return number;
}

GuestAddress parse_guest_address(std::string_view value) {
  const auto dot = std::min(value.find('.'), value.size());
  const std::string_view digits = value.substr(0, dot);
  const auto slot = parse_hex(digits.starts_with("0x") ? digits.substr(2) : digits, kLastSlot);
  const auto function = dot == value.size() ? 0 : parse_hex(value.substr(dot + 1), kLastFunction);
  if (!slot || *slot == 0 || !function) {
    throw UsageError(fmt::format("--device ...,addr={}: no slot", value),
                     "give a slot of the guest's bus, 1 to 1f (hexadecimal), and a function, 0 to 7, behind a dot if that is not 0");
  }
  return {*slot, *function};
}

std::string parse_uuid(std::string_view value) {
  constexpr std::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  const auto fits = [](char form, char c) { return form == '-' ? c == '-' : std::isxdigit(static_cast<unsigned char>(c)) != 0; };
  if (!std::ranges::equal(kForm, value, fits)) {
    throw UsageError(fmt::format("--device ...,vf-token={}: no UUID", value), "give one such as uuidgen prints");
  }
  return std::string(value);
}

int parse_descriptor(std::string_view key, std::string_view value) {
  int fd = -1;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), fd);
  if (error != std::errc() || end != value.data() + value.size() || ::fcntl(fd, F_GETFD) < 0) {
    throw UsageError(fmt::format("--device ...,{}={}: no open descriptor", key, value),
                     "give the number of one that was opened before strait was started, as by 'exec 7<>/dev/vfio/vfio' in a shell");
  }
  return fd;
}

void set(DeviceSpec& spec, std::string_view key, std::string_view value) {
  const auto found = std::ranges::find(kSwitches, key, &std::pair<std::string_view, bool DeviceSpec::*>::first);
  if (found != std::end(kSwitches)) {
    spec.*found->second = parse_switch(key, value);
  } else if (key == "addr") {
    spec.address = parse_guest_address(value);
  } else if (key == "romfile") {
    spec.rom_file = value;
  } else if (key == "fd") {
    spec.device_fd = parse_descriptor(key, value);
  } else if (key == "group-fd") {
    spec.group_fd = parse_descriptor(key, value);
  } else if (key == "container-fd") {
    spec.container_fd = parse_descriptor(key, value);
  } else if (key == "vf-token") {
    spec.vf_token = parse_uuid(value);
  } else {
    throw UsageError(fmt::format("--device ...,{}: unknown key", key), fmt::format("there are {}", kKeys));
  }
}

void check_keys_agree(const DeviceSpec& spec) {
  if (spec.group && spec.address.function != 0) {
    throw UsageError(fmt::format("--device {},group=on: addr= with a function", spec.bdf.to_string()),
                     "give the slot alone: the functions of a group keep the numbers that they have on the host");
  }
  if (spec.group && spec.device_fd) {
    throw UsageError(fmt::format("--device {},group=on: fd= is one function's", spec.bdf.to_string()),
                     "hand over the group, group-fd=N, or name each function with its own fd=N");
  }
  if (spec.device_fd && !spec.group_fd) {
    throw UsageError(fmt::format("--device {},fd={} needs group-fd= as well", spec.bdf.to_string(), *spec.device_fd),
                     "hand over all three: the device, its IOMMU group, and the container that the group is in (container-fd=)");
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
  check_keys_agree(spec);
  return spec;
}

}  // namespace strait
