#include "cli/libvirt/convert.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/topology.h"
#include "base/units.h"
#include "cli/amounts.h"
#include "cli/libvirt/config_text.h"
#include "cli/libvirt/devices.h"
#include "cli/libvirt/placement.h"
#include "cli/libvirt/values.h"

namespace strait::libvirt {
namespace {

// ---- What is booted

/// White space of any kind becomes a blank: a command line may be written over several lines.
std::string one_line(std::string text) {
  std::string line;
  for (const char c : text) {
    const bool space = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (!space) line += c;
    if (space && !line.ends_with(' ')) line += ' ';
  }
  return line;
}

void convert_cmdline(const Element& os, ConfigText& config) {
  const auto element = os.child("cmdline");
  if (!element) {
    config.comment("The domain has no command line; strait's own, with console=ttyS0, is used.");
    return;
  }
  const std::string cmdline = one_line(element->text());
  check_is_line(*element, cmdline);
  if (cmdline.find("console=ttyS0") == std::string::npos) {
    config.comment("The serial port is the only console; with console=ttyS0 the kernel uses it.");
  }
  config.set("cmdline", cmdline);
}

/// The domain boots as a PC does: from a disk, the network or a CD, by firmware. strait does not, and cannot know the kernel that it would
/// find.
void explain_missing_kernel(Document& document, const Element& where, ConfigText& config) {
  config.comment(
      "The domain names no kernel: firmware loads one from a disk, network or CD.\n"
      "strait starts it itself: copy it out of the guest's /boot, and write here\n"
      "  kernel = FILE\n"
      "  initrd = FILE\n"
      "  cmdline = console=ttyS0 root=...\n"
      "The root file system is in the initrd, or on a disk whose controller (such as\n"
      "an NVMe) a device line assigns.");
  document.note(where, "/domain/os/kernel", "missing, as the domain boots from a disk: give kernel, initrd and cmdline");
}

void convert_boot(Document& document, const Element& domain, ConfigText& config) {
  const auto os = domain.child("os");
  if (!os) {
    explain_missing_kernel(document, domain, config);
    return;
  }
  if (const auto type = os->child("type")) {
    const std::string arch = type->attribute_or("arch", "x86_64");
    if (arch != "x86_64" && arch != "i686")
      throw type->error(fmt::format("arch='{}': strait runs x86-64 guests", arch), "give such a domain");
    if (const std::string kind = type->text(); kind != "hvm")
      type->leave_out_text("strait's guests are hvm, with processor and devices as in hardware");
  }
  const auto kernel = os->child("kernel");
  const std::string path = kernel ? line_of(*kernel) : "";
  if (path.empty()) {
    explain_missing_kernel(document, *os, config);
    return;
  }
  config.set("kernel", path);
  if (const auto initrd = os->child("initrd")) {
    if (const std::string file = line_of(*initrd); !file.empty()) config.set("initrd", file);
  }
  convert_cmdline(*os, config);
}

// ---- Memory and processors

/// <memory>, or where that is missing the sum of the NUMA cells, as libvirt has it.
std::pair<std::uint64_t, Element> amount_of_memory(const Element& domain) {
  if (const auto memory = domain.child("memory")) return {memory_of(*memory), *memory};
  const auto numa = domain.descend({"cpu", "numa"});
  if (!numa) throw domain.error("it has no <memory>", "say how much memory the guest has");
  std::uint64_t sum = 0;
  for (const Element& cell : numa->children("cell")) {
    const std::uint64_t size = memory_of(cell, "memory");
    if (size > kMemoryMax) throw cell.error("memory= is more than any processor can address", "give less");
    sum += size;
  }
  numa->leave_out("the guest has one NUMA node, with the memory of all cells");
  return {sum, *numa};
}

/// Returns how many bytes it is.
std::uint64_t convert_memory(const Element& domain, ConfigText& config) {
  const auto [asked, element] = amount_of_memory(domain);
  if (asked > kMemoryMax) throw element.error("more memory than any processor can address", "give less");
  const std::uint64_t size = (asked + kPageSize - 1) / kPageSize * kPageSize;
  if (size < kMemoryMin) throw element.error(fmt::format("{} bytes: a guest needs at least {} MiB", asked, kMemoryMin / kMiB), "give more");
  if (size != asked) config.comment(fmt::format("The domain's {} bytes, rounded up to whole pages.", asked));
  config.set("memory", in_units(size));

  const auto current = domain.child("currentMemory");
  if (current && memory_of(*current) < asked) current->leave_out("strait has no balloon; the guest has all its memory");
  return size;
}

std::uint64_t processors(const Element& element, const std::string& text) {
  const auto count = parse_decimal(text);
  if (!count || *count == 0) throw element.error("not a number of processors", fmt::format("give 1 to {}", kCpusMax));
  return *count;
}

/// What follows the number of processors in cpus =: how they are arranged, if the domain says so and strait can; empty otherwise.
std::string arrangement(const Element& domain, std::uint64_t count, std::uint64_t most) {
  const auto element = domain.descend({"cpu", "topology"});
  if (!element) return "";
  const auto number = [&](const char* name) {
    const auto text = element->attribute(name);
    const auto value = text ? parse_decimal(*text) : std::optional<std::uint64_t>(1);
    if (!value || *value == 0 || *value > kCpusMax) {
      throw element->error(fmt::format("{}='{}' is no number of them", name, shown(*text)), fmt::format("give 1 to {}", kCpusMax));
    }
    return static_cast<std::uint32_t>(*value);
  };
  const std::uint32_t dies = number("dies"), clusters = number("clusters");
  const Topology topology{.sockets = number("sockets"), .cores = number("cores"), .threads = number("threads")};
  if (std::uint64_t{dies} * clusters * topology.cpus() != most) {
    throw element->error(fmt::format("they are not {} processors", most), "give as many as <vcpu> has");
  }
  if (count != most) {
    element->leave_out("not all of the domain's processors are there");
    return "";
  }
  if (dies * clusters > 1) {
    element->leave_out("strait has sockets, cores and threads, no dies and clusters");
    return "";
  }
  if (topology.apic_id(topology.cpus() - 1) > kCpusMax) {
    element->leave_out("more than 8 bits of APIC ID would be needed");
    return "";
  }
  if (topology == Topology{.sockets = 1, .cores = topology.cpus(), .threads = 1}) return "";
  return fmt::format(",sockets={},cores={},threads={}", topology.sockets, topology.cores, topology.threads);
}

/// Returns how many they are.
std::uint64_t convert_cpus(const Element& domain, ConfigText& config) {
  const auto vcpu = domain.child("vcpu");
  std::uint64_t count = 1, most = 1;
  if (vcpu) {
    most = processors(*vcpu, vcpu->text());
    const auto current = vcpu->attribute("current");
    count = current ? processors(*vcpu, *current) : most;
    if (count > most) throw vcpu->error(fmt::format("current='{}' is more than {}", count, most), "give as many or fewer");
    if (count < most) vcpu->leave_out_text("no processor comes later; the guest has those of current=");
    if (count > kCpusMax) throw vcpu->error(fmt::format("{} processors: strait gives at most {}", count, kCpusMax), "give fewer");
  }
  config.set("cpus", fmt::format("{}{}", count, arrangement(domain, count, most)));
  return count;
}

void check_cpu(const Element& domain) {
  const auto cpu = domain.child("cpu");
  if (!cpu) return;
  const std::string mode = cpu->attribute_or("mode", "custom");
  if (mode != "host-passthrough" && mode != "maximum") cpu->leave_out_attribute("mode", "the guest sees the host's processor");
  for (const Element& feature : cpu->children("feature")) {
    const bool hypervisor = feature.attribute("name") == "hypervisor" && feature.attribute("policy") == "disable";
    feature.leave_out(hypervisor ? "the guest sees that there is a hypervisor; cpu-hide-kvm hides which"
                                 : "the guest sees the host's processor");
  }
}

// ---- What the domain switches on and off

/// An element that asks for what strait does in any case is used by being read; anything else in its place is left to the table.
void accept(const Element& parent, const char* name, const char* attribute, std::string_view value) {
  for (const Element& element : parent.children(name)) {
    if (element.attribute(attribute) == value) continue;
    element.leave_out_as_known();
  }
}

void convert_features(const Element& domain, ConfigText& config) {
  const auto features = domain.child("features");
  if (!features) return;
  accept(*features, "vmport", "state", "off");
  accept(*features, "smm", "state", "off");
  accept(*features, "ps2", "state", "off");
  accept(*features, "ioapic", "driver", "kvm");
  const auto hidden = features->descend({"kvm", "hidden"});
  if (!hidden || hidden->attribute_or("state", "off") != "on") return;
  config.comment(fmt::format("{}, line {}", hidden->path(), hidden->line()));
  config.set_flag("cpu-hide-kvm");
}

void convert_events(const Element& domain, ConfigText& config) {
  if (const auto off = domain.child("on_poweroff"); off && off->text() != "destroy") {
    off->leave_out("a guest that powers off ends the run; have a unit or loop start it again");
  }
  if (const auto crash = domain.child("on_crash"); crash && crash->text() != "destroy") {
    crash->leave_out("a crash ends the run with exit code 3 or 5, without a core dump or restart");
  }
  const auto reboot = domain.child("on_reboot");
  if (!reboot) return;
  const std::string what = reboot->text();
  if (what == "restart") {
    config.set("on-reboot", "reset");
  } else if (what == "destroy") {
    config.set("on-reboot", "exit");
  } else {
    reboot->leave_out("strait boots the guest again, or ends the run: on-reboot = reset or exit");
  }
}

// ---- The serial port and others that strait has, or that the domain does without

/// COM1 of the domain is strait's standard input and output, whatever libvirt connected it to.
void connect_com1(const Element& port) {
  const std::string kind = port.attribute_or("type", "pty");
  if (kind == "pty" || kind == "stdio") return;
  constexpr const char* kReason = "COM1 is strait's standard input and output; connect those as you like";
  port.leave_out_attribute("type", kReason);
  for (const Element& source : port.children("source")) source.leave_out(kReason);
}

std::string target_of(const Element& port, const char* attribute, const char* otherwise) {
  const auto target = port.child("target");
  return target ? target->attribute_or(attribute, otherwise) : otherwise;
}

void convert_serials(const std::vector<Element>& serials) {
  bool first = true;
  for (const Element& serial : serials) {
    if (!first || target_of(serial, "type", "isa-serial") != "isa-serial" || target_of(serial, "port", "0") != "0") {
      serial.leave_out("strait has one serial port, COM1");
      continue;
    }
    first = false;
    if (const auto model = serial.descend({"target", "model"})) model->attribute("name");
    connect_com1(serial);
  }
}

/// The first console may be a serial port: another name for COM1, or COM1 itself where the domain has no <serial>.
void convert_consoles(const std::vector<Element>& consoles, bool has_serial) {
  for (const Element& console : consoles) {
    if (&console != &consoles.front() || target_of(console, "type", "serial") != "serial") {
      console.leave_out("strait has one console, its serial port");
      continue;
    }
    if (const auto target = console.child("target")) target->attribute("port");  // whatever it is: of the first console it is COM1
    if (has_serial) {
      console.attribute("type");
    } else {
      connect_com1(console);
    }
  }
}

void convert_platform(const Element& devices) {
  const std::vector<Element> serials = devices.children("serial");
  convert_serials(serials);
  convert_consoles(devices.children("console"), !serials.empty());
  for (const Element& panic : devices.children("panic")) {
    if (panic.attribute_or("model", "isa") != "isa") panic.leave_out("strait's panic port is pvpanic's on ISA");
  }
  for (const Element& balloon : devices.children("memballoon")) {
    if (balloon.attribute_or("model", "") != "none") balloon.leave_out_as_known();
  }
  for (const Element& controller : devices.children("controller")) {
    if (controller.attribute_or("model", "") == "none" && controller.attribute("type")) continue;
    controller.leave_out_as_known();
  }
  for (const Element& video : devices.children("video")) {
    const auto model = video.child("model");
    if (!model || model->attribute_or("type", "") != "none") video.leave_out_as_known();
  }
}

void write_heading(const Element& domain, ConfigText& config) {
  const auto element = domain.child("name");
  const std::string name = element ? line_of(*element) : "";
  config.comment(fmt::format("The libvirt domain {} for strait run --config, by strait from-libvirt.", name));
  config.blank();
  if (const std::string type = domain.attribute_or("type", "kvm"); type != "kvm") {
    domain.leave_out_attribute("type", "strait runs every guest with KVM");
  }
}

}  // namespace

Conversion convert(std::string_view xml, const std::string& name) {
  Document document(xml, name, "domain");
  const Element domain = document.root();
  ConfigText config;
  write_heading(domain, config);
  convert_boot(document, domain, config);
  config.blank();
  const std::uint64_t memory = convert_memory(domain, config);
  domain.child("memoryBacking");
  const std::uint64_t cpus = convert_cpus(domain, config);
  check_cpu(domain);
  convert_features(domain, config);
  accept(domain, "clock", "offset", "utc");
  convert_events(domain, config);
  convert_hugepages(domain, memory, config);
  convert_numatune(domain, config);
  const bool pinned = convert_pinning(domain, cpus, config);
  convert_scheduler(domain, cpus, pinned, config);
  if (const auto devices = domain.child("devices")) {
    convert_platform(*devices);
    convert_devices(*devices, config);
  }
  return {name, config.text(), document.account()};
}

std::string report_of(const Conversion& conversion) {
  return fmt::format("{}: {} elements, attributes and texts are used, {} are not.\n{}", conversion.name, conversion.account.used,
                     conversion.account.left_out, report_of(conversion.account.list));
}

}  // namespace strait::libvirt
