#include "vmm/device_spec.h"

#include <fcntl.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <iterator>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "host/addresses.h"

namespace strait {
namespace {

constexpr std::string_view kKeys =
    "addr=SLOT[.FUNCTION], container-fd=N, fd=N, group=on|off, group-fd=N, managed=on|off, p2p=on|off, rombar=on|off, romfile=FILE, "
    "vf-token=UUID, for VFs that are managed mac, vlan, vlanQoS, vlanProto, spoofchk, trust, link_state, min_tx_rate, max_tx_rate, and for "
    "experiments dyn-msix, ioeventfd, irqfd, mmap, route-batch=on|off";
constexpr std::string_view kVf = "vf=";
constexpr unsigned kLastSlot = 31, kLastFunction = 7;

constexpr std::pair<std::string_view, bool DeviceSpec::*> kSwitches[] = {
    {"dyn-msix", &DeviceSpec::dynamic_msix}, {"group", &DeviceSpec::group},         {"ioeventfd", &DeviceSpec::io_eventfds},
    {"irqfd", &DeviceSpec::irqfds},          {"managed", &DeviceSpec::managed},     {"mmap", &DeviceSpec::direct},
    {"p2p", &DeviceSpec::peers},             {"rombar", &DeviceSpec::rom},          {"route-batch", &DeviceSpec::batched},
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
  } else if (host::is_vf_setting(key)) {
    host::set_vf_setting(spec.vf_settings, key, value, "--device ...,");
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

/// What follows vf= is an address, a colon, and a number or "any"; the address may have colons, too.
std::optional<VfRequest> parse_vf(std::string_view text, const std::filesystem::path& sysfs) {
  if (!text.starts_with(kVf)) return std::nullopt;
  const std::string_view value = text.substr(kVf.size());
  const auto colon = value.rfind(':');
  const std::string_view which = colon == std::string_view::npos ? std::string_view() : value.substr(colon + 1);
  unsigned index = 0;
  const auto [end, error] = std::from_chars(which.data(), which.data() + which.size(), index);
  const bool numbered = error == std::errc() && end == which.data() + which.size();
  if (colon == 0 || (!numbered && which != "any")) {
    throw UsageError(fmt::format("--device {}: neither any nor the number of a VF behind the PF", text),
                     "write vf=PF:any, or vf=PF:0 for its first VF");
  }
  return VfRequest{.pf = host::resolve_one(value.substr(0, colon), sysfs), .index = numbered ? std::optional(index) : std::nullopt};
}

void check_managed(const DeviceSpec& spec) {
  const std::string where = fmt::format("--device {},", spec.name());
  if (spec.vf && !spec.managed) {
    throw UsageError(where + "managed=off: a VF that the run takes it gives back, too",
                     "leave managed= out, or name the VF by its address");
  }
  if (spec.managed && (spec.device_fd || spec.group_fd)) {
    throw UsageError(where + "group-fd=: its descriptor would be open while the function changes its driver",
                     "hand descriptors over without managed= and vf=");
  }
  if (spec.vf && spec.group) {
    throw UsageError(where + "group=on: which group is open until the VF is taken", "name the VF by its address, with managed=on");
  }
  if (!spec.managed && !spec.vf_settings.empty()) {
    throw UsageError(
        fmt::format("{}{}=: strait does not manage this function", where, host::vf_setting_words(spec.vf_settings).front().first),
        "add managed=on, and strait sets it for the run; or set it before, with strait vf set");
  }
  host::check_vf_settings(spec.vf_settings, where);
}

void check_keys_agree(const DeviceSpec& spec) {
  check_managed(spec);
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

/// Sets the keys in `text`, which begins with a comma or is empty. `all` is the whole option.
void set_keys(DeviceSpec& spec, std::string_view text, std::string_view all) {
  while (!text.empty()) {
    text.remove_prefix(1);
    const std::string_view part = text.substr(0, text.find(','));
    const auto equals = part.find('=');
    if (equals == std::string_view::npos || equals + 1 == part.size()) {
      throw UsageError(fmt::format("--device {}: '{}' is not KEY=VALUE", all, part), fmt::format("there are {}", kKeys));
    }
    set(spec, part.substr(0, equals), part.substr(equals + 1));
    text.remove_prefix(part.size());
  }
}

void check_keys_of_several(const DeviceSpec& keys, std::string_view address) {
  if (keys.device_fd || !keys.rom_file.empty() || keys.vf_settings.mac) {
    const char* const key = keys.device_fd ? "fd" : keys.vf_settings.mac ? "mac" : "romfile";
    throw UsageError(fmt::format("--device {},{}=: the address is of several functions", address, key),
                     "name each function with its own");
  }
}

/// A function that has a slot of the host in common with the one before it, of the same group, goes to its slot of the guest.
void keep_slots_together(std::span<DeviceSpec> devices) {
  for (std::size_t i = 1; i < devices.size(); ++i) {
    host::Bdf last = devices[i - 1].bdf;
    last.function = devices[i].bdf.function;
    const bool same_slot = last == devices[i].bdf;
    devices[i].address = {.slot = same_slot ? devices[i - 1].address.slot : 0, .function = same_slot ? devices[i].bdf.function : 0u};
  }
}

}  // namespace

std::string DeviceSpec::name() const {
  if (!vf) return bdf.to_string();
  return fmt::format("vf={}:{}", vf->pf.to_string(), vf->index ? std::to_string(*vf->index) : "any");
}

std::string GuestAddress::to_string() const { return fmt::format("0000:00:{:02x}.{}", slot, function); }

DeviceSpec DeviceSpec::parse(std::string_view text, const std::filesystem::path& sysfs) {
  const auto comma = std::min(text.find(','), text.size());
  const std::string_view address = text.substr(0, comma);
  DeviceSpec spec;
  spec.vf = parse_vf(address, sysfs);
  spec.managed = spec.vf.has_value();
  if (!spec.vf) spec.bdf = host::resolve_one(address, sysfs);
  set_keys(spec, text.substr(comma), text);
  check_keys_agree(spec);
  return spec;
}

std::vector<DeviceSpec> DeviceSpec::parse_all(std::string_view text, const std::filesystem::path& sysfs) {
  const auto comma = std::min(text.find(','), text.size());
  const std::string_view address = text.substr(0, comma);
  if (address.starts_with(kVf)) return {parse(text, sysfs)};
  DeviceSpec keys;
  set_keys(keys, text.substr(comma), text);
  std::vector<DeviceSpec> devices;
  for (const host::Bdf& bdf : host::resolve(address, sysfs)) {
    keys.bdf = bdf;
    check_keys_agree(keys);
    devices.push_back(keys);
  }
  if (devices.size() > 1) check_keys_of_several(keys, address);
  if (address.starts_with("group:")) keep_slots_together(devices);
  return devices;
}

}  // namespace strait
