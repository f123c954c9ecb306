#include "cli/libvirt/devices.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/libvirt/places.h"
#include "cli/libvirt/values.h"

namespace strait::libvirt {
namespace {

/// A function that the domain takes from the host.
struct Function {
  Element element;
  std::optional<Element> guest_address;
  host::Bdf bdf;
  Place place;
  std::vector<std::string> keys;
  std::string comment;
  bool given = true;  ///< to the guest: it becomes a line
};

bool is_yes(const Element& element, const char* attribute) {
  const std::string text = element.attribute_or(attribute, "no");
  if (text != "yes" && text != "no") {
    throw element.error(fmt::format("{}='{}' is neither yes nor no", attribute, text),
                        fmt::format("write {}='yes' or {}='no'", attribute, attribute));
  }
  return text == "yes";
}

host::Bdf host_address(const Element& element) {
  const auto address = element.descend({"source", "address"});
  if (!address) throw element.error("no <source> with an <address>", "say which function of the host it is");
  const std::string type = address->attribute_or("type", "pci");
  if (type != "pci") throw address->error(fmt::format("type='{}' is no PCI address", type), "say which function of the host it is");
  const PciAddress host = pci_address_of(*address);
  if (host.is_zero()) throw address->error("0000:00:00.0 is the host bridge", "say which function of the host it is");
  return host.bdf;
}

/// The <address> that the guest is to see. It may keep the device from the guest.
void read_guest_address(Function& function) {
  const auto address = function.element.child("address");
  if (!address) return;
  const std::string type = address->attribute_or("type", "pci");
  if (type == "unassigned") {
    function.element.leave_out("libvirt takes it from the host, but does not give it to the guest");
    function.comment += fmt::format("\nNot given to the guest, but perhaps of the same group: strait bind {}", function.bdf.to_string());
    function.given = false;
    return;
  }
  if (type != "pci") {
    address->leave_out("the guest has PCI slots only; strait chooses one");
    return;
  }
  const PciAddress guest = pci_address_of(*address);
  if (guest.bdf.domain != 0) throw address->error("the guest has no PCI domain but 0", "write domain='0x0000'");
  function.guest_address = address;
  if (!guest.is_zero()) function.place.asked = guest.bdf;
}

void read_rom(const Function& function, std::vector<std::string>& keys) {
  const auto rom = function.element.child("rom");
  if (!rom) return;
  const auto bar = rom->attribute("bar"), enabled = rom->attribute("enabled");
  if (bar == "off" || enabled == "no") keys.push_back("rombar=off");
  const auto file = rom->attribute("file");
  if (!file || file->empty()) return;
  check_is_line(*rom, *file);
  if (file->find(',') != std::string::npos) {
    rom->leave_out_attribute("file", "a device's keys are separated by commas; give it a name without");
  } else {
    keys.push_back(fmt::format("romfile={}", *file));
  }
}

void read_driver(const Element& element) {
  const auto driver = element.child("driver");
  if (driver && driver->attribute_or("name", "vfio") != "vfio") driver->leave_out_attribute("name", "strait assigns with VFIO");
}

void read_vlan(const Element& interface, std::vector<std::string>& keys) {
  const auto vlan = interface.child("vlan");
  if (!vlan) return;
  const std::vector<Element> tags = vlan->children("tag");
  if (tags.size() != 1 || is_yes(*vlan, "trunk")) {
    vlan->leave_out("a VF has one VLAN; for a trunk its guest makes the VLANs itself");
    return;
  }
  keys.push_back(fmt::format("vlan={}", vlan_id_of(tags[0])));
  tags[0].leave_out_attribute("nativeMode", "a VF's VLAN is one that its guest does not see");
}

/// What both kinds have.
Function read_common(const Element& element) {
  Function function{.element = element, .guest_address = {}, .bdf = host_address(element), .place = {}, .keys = {}, .comment = {}};
  function.comment = fmt::format("{}, line {}", element.path(), element.line());
  read_driver(element);
  read_guest_address(function);
  return function;
}

std::string advice_to_bind(const host::Bdf& bdf) { return fmt::format("\nNot managed: before the run, strait bind {}", bdf.to_string()); }

std::optional<Function> convert_hostdev(const Element& element) {
  const std::string mode = element.attribute_or("mode", "subsystem"), type = element.attribute_or("type", "");
  if (mode != "subsystem" || type != "pci") {
    element.leave_out(mode == "subsystem" ? fmt::format("strait assigns PCI functions, not devices of type {}", type) : "for containers");
    return std::nullopt;
  }
  Function function = read_common(element);
  if (!function.given) return function;
  if (is_yes(element, "managed")) {
    function.keys.push_back("managed=on");
  } else {
    function.comment += advice_to_bind(function.bdf);
  }
  read_rom(function, function.keys);
  return function;
}

Function convert_hostdev_interface(const Element& element) {
  Function function = read_common(element);
  if (!function.given) return function;
  std::vector<std::string> settings;
  if (const auto mac = element.child("mac")) settings.push_back(fmt::format("mac={}", mac_of(*mac)));
  read_vlan(element, settings);
  if (const auto link = element.child("link"); link && link->attribute("state") != "up") link->leave_out_as_known();
  const bool managed = is_yes(element, "managed");
  if (managed || !settings.empty()) function.keys.push_back("managed=on");
  if (!managed && !settings.empty()) {
    element.leave_out_attribute("managed", "a VF whose MAC or VLAN strait sets is managed");
    function.comment += "\nThe domain does not have it managed; setting MAC or VLAN takes that.";
  } else if (!managed) {
    function.comment += advice_to_bind(function.bdf);
  }
  function.keys.insert(function.keys.end(), settings.begin(), settings.end());
  read_rom(function, function.keys);
  return function;
}

std::optional<Function> convert_interface(const Element& element) {
  const std::string type = element.attribute_or("type", "");
  if (type == "hostdev") {
    const auto address = element.descend({"source", "address"});
    if (!address || address->attribute_or("type", "pci") != "usb") return convert_hostdev_interface(element);
    element.leave_out("strait assigns PCI functions, not devices of type usb");
  } else if (type == "network") {
    const auto source = element.child("source");
    element.leave_out(fmt::format("network {}: if virsh net-dumpxml has a <pf>, device = vf=PF:any,mac=..",
                                  source ? source->attribute_or("network", "") : ""));
  } else {
    element.leave_out("strait has no networks of the host's making; assign a VF: device = vf=PF:any");
  }
  return std::nullopt;
}

/// QEMU can drive an NVMe controller itself, for one of its namespaces. Whether the guest may have all of them is not for us to say.
void leave_out_disk(const Element& element) {
  const auto address = element.descend({"source", "address"});
  if (element.attribute_or("type", "") != "nvme" || !address) {
    element.leave_out_as_known();
    return;
  }
  const std::string bdf = pci_address_of(*address).bdf.to_string();
  element.leave_out(fmt::format("one namespace; to give the guest the whole NVMe: device = {},managed=on", bdf));
}

void check_once(const std::vector<Function>& functions) {
  for (auto one = functions.begin(); one != functions.end(); ++one) {
    for (auto before = functions.begin(); before != one; ++before) {
      if (before->bdf == one->bdf) {
        throw one->element.error(fmt::format("{} is there already, in line {}", one->bdf.to_string(), before->element.line()),
                                 "give each function once");
      }
      if (one->place.asked && one->place.asked == before->place.asked) {
        throw one->guest_address->error(fmt::format("the device of line {} has the same address", before->element.line()),
                                        "give each an address of its own");
      }
    }
  }
}

/// What becomes of the address that the domain has for a function in its guest.
void settle_address(Function& function) {
  const auto& [asked, given] = function.place;
  constexpr const char* kMoved = "the guest sees it in another slot: names such as enp6s0 change";
  if (given) {
    const std::string slot = given->function == 0 ? fmt::format("{:x}", given->slot) : fmt::format("{:x}.{}", given->slot, given->function);
    function.keys.insert(function.keys.begin(), fmt::format("addr={}", slot));
    for (const char* part : {"bus", "slot"}) {
      if (asked->bus != 0) function.guest_address->leave_out_attribute(part, kMoved);
    }
  } else if (asked) {
    function.guest_address->leave_out(asked->bus != 0 ? kMoved : "function 0 of its slot is not assigned; the guest sees it elsewhere");
  } else if (function.guest_address) {
    function.guest_address->leave_out("all zeros are no address; strait chooses one, as libvirt does", Loss::kNone);
  }
}

void choose_places_of(const Element& devices, std::vector<Function>& functions) {
  std::vector<Function*> given;
  std::vector<Place> places;
  for (Function& function : functions) {
    if (!function.given) continue;
    given.push_back(&function);
    places.push_back(function.place);
  }
  if (!choose_places(places)) {
    throw devices.error(fmt::format("{} functions: the guest's one bus has slots 1 to 31", places.size()),
                        "give fewer, or several of them one slot");
  }
  for (std::size_t i = 0; i < given.size(); ++i) {
    given[i]->place = places[i];
    settle_address(*given[i]);
  }
}

}  // namespace

void convert_devices(const Element& devices, ConfigText& config) {
  std::vector<Function> functions;
  for (const Element& element : devices.children("interface")) {
    if (auto function = convert_interface(element)) functions.push_back(std::move(*function));
  }
  for (const Element& element : devices.children("hostdev")) {
    if (auto function = convert_hostdev(element)) functions.push_back(std::move(*function));
  }
  for (const Element& element : devices.children("disk")) leave_out_disk(element);
  std::ranges::sort(functions, {}, [](const Function& function) { return function.element.position(); });
  check_once(functions);
  choose_places_of(devices, functions);
  for (const Function& function : functions) {
    config.blank();
    config.comment(function.comment);
    if (!function.given) continue;
    config.set("device", function.keys.empty() ? function.bdf.to_string()
                                               : fmt::format("{},{}", function.bdf.to_string(), fmt::join(function.keys, ",")));
  }
}

}  // namespace strait::libvirt
