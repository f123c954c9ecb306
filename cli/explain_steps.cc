#include "cli/explain_steps.h"

#include <linux/pci_regs.h>

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "host/vf_info.h"

namespace strait {
namespace {

using Status = Step::Status;
using vfio::BarFacts;
using vfio::FunctionFacts;
using vfio::MessageFacts;

constexpr unsigned kVirtio = 0x1af4;

/// Whether a function of some class can be of use without DMA and interrupts.
enum class Need { kYes, kPerhaps, kNo };

/// Drivers of displays may draw by the processor alone. Of memory and unclassified devices nobody knows.
Need need_of(std::uint32_t device_class) {
  switch (device_class >> 16) {
    case 0x01: case 0x02: case 0x04: case 0x07: case 0x0b: case 0x0c: case 0x0d: case 0x10: case 0x12: return Need::kYes;
    case 0x03: return Need::kNo;
    default: return Need::kPerhaps;
  }
}

bool is_network(const FunctionFacts& function) { return function.device_class >> 16 == 0x02; }

std::string seconds(std::chrono::milliseconds time) { return fmt::format("{} s", time.count() / 1000); }

std::string size_text(std::uint64_t bytes) {
  constexpr const char* kUnits[] = {"", "K", "M", "G"};
  unsigned unit = 0;
  for (; bytes >= 1024 && bytes % 1024 == 0 && unit + 1 < std::size(kUnits); ++unit) bytes /= 1024;
  return fmt::format("{}{}", bytes, kUnits[unit]);
}

bool has_memory(const FunctionFacts& function) {
  return std::ranges::any_of(function.bars, [](const BarFacts& bar) { return bar.shape.kind != pci::BarKind::kIo; });
}

/// The kind of messages that is on, null for none.
const MessageFacts* messages(const FunctionFacts& function) {
  if (function.msix.enabled) return &function.msix;
  return function.msi.enabled ? &function.msi : nullptr;
}

const char* messages_name(const FunctionFacts& function) { return function.msix.enabled ? "MSI-X" : "MSI"; }

/// Goes through the steps in their order and writes each down. Once a step of the guest's failed or waits, those of the guest's behind it
/// say nothing: they would only repeat it.
class Explainer {
 public:
  Explainer(const DeviceFacts& device, const HostFacts& host)
      : device_(device), host_(host), guest_slot_(device.guest.substr(std::min(device.guest.size(), device.guest.find(':') + 1))) {}

  Explanation explain() {
    assigned();
    seen();
    placed();
    awake();
    driver();
    decoding();
    mastering();
    enabled();
    connected();
    physical_up();
    link();
    settings();
    arriving();
    return {std::move(steps_)};
  }

 private:
  const FunctionFacts& function() const { return *device_.function; }
  bool bit(unsigned command_bit) const { return (function().command & command_bit) != 0; }
  std::string id() const { return fmt::format("{:04x}:{:04x}", function().vendor, function().device); }
  Need need() const { return need_of(function().device_class); }
  /// The guest found the function just now, and may still be at it.
  bool fresh() const { return function().since_seen && *function().since_seen < kPatience; }
  std::string interface() const { return host_.physical->interface; }
  bool has_interface() const { return host_.physical && !host_.physical->interface.empty(); }

  /// One vector for all queues and events: a driver that polls (DPDK) asks for no more, a network driver of a kernel mostly does.
  bool polls() const {
    const MessageFacts* kind = messages(function());
    return is_network(function()) && kind != nullptr && kind->connected == 1 && kind->vectors > 1;
  }
  /// The guest listens for interrupts, and it is known that there are none.
  bool none_arrive() const {
    return interrupts_wanted_ && host_.interrupts == 0u && host_.posted == false && host_.watched >= kInterruptPatience && !polls();
  }

  void add(Step step) { steps_.push_back(std::move(step)); }
  void add_host(Step step) {
    if (step.status == Status::kFailed) host_failed_ = true;
    add(std::move(step));
  }
  void add_guest(Step step) {
    if (step.status == Status::kFailed || step.status == Status::kWaiting) stopped_ = true;
    add(std::move(step));
  }
  /// True where a step before this one is to be mended first; then it was written down as unknown.
  bool stopped(std::string_view name, std::string_view title) {
    if (stopped_) add({.name = name, .title = title});
    return stopped_;
  }

  void assigned();
  void seen();
  void placed();
  void awake();
  void driver();
  void decoding();
  void mastering();
  void enabled();
  void connected();
  void physical_up();
  void link();
  void settings();
  void arriving();

  const DeviceFacts& device_;
  const HostFacts& host_;
  const std::string guest_slot_;  ///< as lspci in the guest has it
  std::vector<Step> steps_;
  bool stopped_ = false;
  bool host_failed_ = false;  ///< and so the device may have nothing to say
  bool interrupts_wanted_ = false;  ///< the guest is ready to hear them
};

void Explainer::assigned() {
  Step step{.name = "assigned", .title = "assigned", .status = Status::kOk, .finding = "as " + device_.guest};
  if (device_.wanted) {
    step.status = Status::kFailed;
    step.finding = "the host wants it back";
    step.cause = "Somebody on the host unbinds it from vfio-pci or removes it, and waits until the guest has let go.";
    step.remedy = "See what removes it on the host (a driver, or sriov_numvfs); the guest lets go of it by ACPI hot plug.";
  } else if (device_.leaving) {
    step.status = Status::kFailed;
    step.finding = "the guest was asked to let go of it";
    step.cause = "remove-device was asked for, and the guest has not let go yet.";
    step.remedy = "Wait; a guest that does not let go needs its driver for ACPI hot plug.";
  } else if (device_.function && !function().present) {
    step.status = Status::kFailed;
    step.finding = "the device does not answer";
    step.cause = "It reads as all ones: it is gone from the bus, or cut off by an error.";
    step.remedy = "See the host's dmesg for the slot, and for errors of PCI Express (AER).";
  }
  add_guest(std::move(step));
}

void Explainer::seen() {
  Step step{.name = "seen", .title = "seen on the guest's bus", .status = Status::kOk};
  if (stopped(step.name, step.title)) return;
  if (!device_.function) {
    step.status = Status::kWaiting;
    step.finding = "the guest is in the middle of configuring it";
    step.cause = "Where it turns bus mastering on, it waits until all of its memory is mapped for DMA.";
    step.remedy = "Ask again in some seconds.";
  } else if (function().since_seen) {
    step.finding = seconds(*function().since_seen) + " ago";
  } else if (device_.on_bus < kPatience) {
    step.status = Status::kWaiting;
    step.finding = fmt::format("the guest has not looked for devices yet ({})", seconds(device_.on_bus));
  } else {
    step.status = Status::kFailed;
    step.finding = fmt::format("the guest has not looked at it in {}", seconds(device_.on_bus));
    step.cause = device_.plugged ? "It came while the guest was running, and the guest does not listen to ACPI hot plug."
                                 : "The guest's kernel does not get as far as its PCI bus, or does not look there.";
    step.remedy = device_.plugged ? "In the guest: echo 1 >/sys/bus/pci/rescan, or a kernel with CONFIG_HOTPLUG_PCI_ACPI."
                                  : "See the guest's console; a kernel command line with pci=off or acpi=off hides devices.";
  }
  add_guest(std::move(step));
}

void Explainer::placed() {
  Step step{.name = "bars", .title = "BARs placed", .status = Status::kOk};
  if (stopped(step.name, step.title)) return;
  for (const BarFacts& bar : function().bars) {
    if (step.status != Status::kOk) break;
    if (bar.answers == BarFacts::Answers::kPartly) {
      step.status = Status::kFailed;
      step.finding = fmt::format("BAR {} at {:#x} is hidden by something else", bar.number, bar.address);
      step.cause = "The guest placed it where its memory or another device is.";
      step.remedy = "See /proc/iomem in the guest, and strait's log.";
    } else if (bar.address == 0 && bar.shape.kind != pci::BarKind::kIo) {
      step.status = fresh() ? Status::kWaiting : Status::kFailed;
      step.finding = fmt::format("BAR {} ({}) has no address", bar.number, size_text(bar.shape.size));
      step.cause = "The guest has not placed it, or found no room for it.";
      step.remedy = "See the guest's dmesg for \"can't assign\"; a device that is there from the start is placed by strait.";
    } else if (bar.address != 0) {
      step.finding += fmt::format("{}{} at {:#x} ({})", step.finding.empty() ? "" : ", ", bar.number, bar.address, size_text(bar.shape.size));
    }
  }
  if (step.finding.empty()) step.finding = "none has to be";
  if (step.status == Status::kOk && function().withdrawn) step.finding += "; withdrawn by the host, so accesses are slow";
  add_guest(std::move(step));
}

void Explainer::awake() {
  Step step{.name = "power", .title = "awake", .status = Status::kOk, .finding = "D0"};
  if (stopped(step.name, step.title)) return;
  if (function().power_state != 0) {
    step.status = Status::kWaiting;
    step.finding = fmt::format("the guest put it to sleep (D{})", function().power_state);
    step.cause = "The guest is suspended, its driver is gone, or nobody uses the device and runtime power management is on: then use wakes it.";
    step.remedy = fmt::format("In the guest: echo on >/sys/bus/pci/devices/{}/power/control", device_.guest);
  }
  add_guest(std::move(step));
}

/// Drivers turn bus mastering on when they are bound (igb, igbvf, e1000, e1000e, ixgbevf, mlx5, nvme, xhci, virtio), and most enable
/// MSI-X or MSI then; a driver that leaves turns both off, while decoding stays on. Some kernels turn decoding on for a look of their own.
void Explainer::driver() {
  Step step{.name = "driver", .title = "driver bound", .status = Status::kOk};
  if (stopped(step.name, step.title)) return;
  const bool decodes = bit(PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
  if (messages(function()) != nullptr) {
    step.finding = fmt::format("it enabled {}", messages_name(function()));
  } else if (bit(PCI_COMMAND_MASTER)) {
    step.finding = "it turned bus mastering on";
  } else if (decodes && need() == Need::kNo) {
    step.finding = "it turned decoding on";
  } else if (fresh()) {
    step.status = Status::kWaiting;
    step.finding = "none yet";
  } else if (decodes) {
    step.status = Status::kUnknown;
    step.finding = "only decoding is on: perhaps one was here and left";
  } else {
    step.status = Status::kFailed;
    step.finding = "no driver in the guest";
    step.cause = fmt::format("Nothing in the guest has claimed {}: there is no driver for it, it is not loaded, or it gave up.", id());
    step.remedy = fmt::format("In the guest: lspci -nnk -s {} names the modules for it; load one with modprobe, and see dmesg.", guest_slot_);
  }
  add_guest(std::move(step));
}

void Explainer::decoding() {
  Step step{.name = "decoding", .title = "decoding on", .status = Status::kOk};
  if (stopped(step.name, step.title)) return;
  const bool memory = has_memory(function());
  if (function().bars.empty()) {
    step.finding = "it has no BARs";
  } else if (bit(memory ? PCI_COMMAND_MEMORY : PCI_COMMAND_IO)) {
    const bool direct = std::ranges::any_of(function().bars, &BarFacts::direct);
    step.finding = direct ? "accesses go straight to the device, unseen" : "accesses go through strait";
  } else {
    step.status = Status::kFailed;
    step.finding = fmt::format("{} decoding is off", memory ? "memory" : "I/O");
    step.cause = "A driver is there, but something cleared the bit in Command: its registers read as all ones.";
    step.remedy = fmt::format("In the guest: reload the driver, and see dmesg; setpci -s {} COMMAND shows the register.", guest_slot_);
  }
  add_guest(std::move(step));
}

void Explainer::mastering() {
  Step step{.name = "bus_mastering", .title = "bus mastering on", .status = Status::kOk};
  if (stopped(step.name, step.title)) return;
  if (bit(PCI_COMMAND_MASTER)) {
    step.finding = "it can do DMA";
  } else if (need() != Need::kYes) {
    step.status = need() == Need::kNo ? Status::kOk : Status::kUnknown;
    step.finding = need() == Need::kNo ? "off; a display can do without" : "off; perhaps it does not need it";
  } else {
    step.status = fresh() ? Status::kWaiting : Status::kFailed;
    step.finding = "no bus mastering";
    step.cause = "The device can neither do DMA nor send MSI: its driver left it off or is gone, or something cleared the bit in Command.";
    step.remedy = fmt::format("In the guest: see lspci -k -s {0}, reload the driver; setpci -s {0} COMMAND shows the register (bit 2).", guest_slot_);
  }
  add_guest(std::move(step));
}

void Explainer::enabled() {
  Step step{.name = "interrupts_enabled", .title = "interrupts enabled", .status = Status::kOk};
  if (stopped(step.name, step.title)) return;
  const bool has_any = function().has_intx || function().msi.vectors != 0 || function().msix.vectors != 0;
  const bool pin_on = function().has_intx && !bit(PCI_COMMAND_INTX_DISABLE);
  if (messages(function()) != nullptr) {
    step.finding = messages_name(function());
  } else if (pin_on && !function().intx_on) {
    step.status = Status::kFailed;
    step.finding = "the INTx pin is silent";
    step.cause = "The host cannot listen to it: the device shares its line with another driver, or the guest's interrupt controller has no room.";
    step.remedy = "See strait's log; unbind the other driver, or have the guest use MSI or MSI-X.";
  } else if (pin_on) {
    step.finding = "INTx: no message-signalled kind is on";
  } else if (need() != Need::kYes || !has_any) {
    step.status = need() == Need::kNo ? Status::kOk : Status::kUnknown;
    step.finding = has_any ? "none; perhaps it does not need any" : "it has none";
    if (need() == Need::kNo) step.finding = "none; a display can do without";
  } else {
    // It can do DMA, or this step would not have been reached: a driver is at work, perhaps one that polls.
    step.status = fresh() ? Status::kWaiting : Status::kUnknown;
    step.finding = "no interrupts enabled";
    step.cause = "The driver has enabled neither MSI-X nor MSI, and the pin is off or there is none. Drivers that poll (DPDK) do without.";
    step.remedy = "See the guest's dmesg; pci=nomsi on its command line takes a virtual function's only interrupts away.";
  }
  add_guest(std::move(step));
}

void Explainer::connected() {
  Step step{.name = "interrupts_connected", .title = "interrupts connected", .status = Status::kOk};
  if (stopped(step.name, step.title)) return;
  const MessageFacts* kind = messages(function());
  if (kind == nullptr) {
    step.status = need() == Need::kNo || function().intx_on ? Status::kOk : Status::kUnknown;
    step.finding = function().intx_on ? "the pin, always" : "nothing to connect";
  } else if (kind->function_masked) {
    step.status = Status::kFailed;
    step.finding = fmt::format("{} is enabled, but masked as a whole", messages_name(function()));
    step.cause = "The driver stopped half-way, or somebody wrote the function mask.";
    step.remedy = "In the guest: reload the driver, and see dmesg.";
  } else if (kind->connected == 0) {
    step.status = Status::kWaiting;
    step.finding = fmt::format("all {} vectors are masked: nobody uses the device yet", kind->vectors);
    step.cause = is_network(function()) ? "The driver is loaded, and unmasks vectors when the interface comes up."
                                        : "The driver is loaded, and unmasks vectors when somebody opens the device.";
    step.remedy = is_network(function()) ? "In the guest: ip link set INTERFACE up" : "In the guest: use the device.";
  } else if (kind->working < kind->connected) {
    step.status = Status::kFailed;
    step.finding = fmt::format("{} of {} vectors have no way into the guest", kind->connected - kind->working, kind->connected);
    step.cause = "The host had no interrupt, descriptor or route left for them.";
    step.remedy = "See strait's log (\"stays silent\"); have the guest's driver use fewer queues, or raise ulimit -n.";
  } else {
    step.finding = fmt::format("{} of {} vectors", kind->working, kind->vectors);
    interrupts_wanted_ = true;
  }
  // What the host says about the network comes next, whatever the guest did with its interrupts.
  add_guest(std::move(step));
}

/// Some cards' virtual functions work without the host's interface. Where they need it, the guest's interrupts end with it.
void Explainer::physical_up() {
  if (!host_.physical || (!has_interface() && !host_.physical->elsewhere)) return;
  Step step{.name = "pf_up", .title = "PF is up", .status = Status::kOk, .finding = interface()};
  const bool needed = host::vfs_need_pf_up(host_.physical->driver);
  const bool forced = host_.physical->settings.link_state == host::VfLinkState::kEnable;
  if (host_.physical->elsewhere) {
    step.status = Status::kUnknown;
    step.finding = "its interface is in another network namespace";
  } else if (!host_.physical->up) {
    step.status = Status::kUnknown;
  } else if (!*host_.physical->up && forced && !needed) {
    step.finding = fmt::format("{} is down, and the VF's link forced up", interface());
  } else if (!*host_.physical->up) {
    step.status = needed || none_arrive() ? Status::kFailed : Status::kUnknown;
    step.finding = fmt::format("no carrier: PF {} is down", interface());
    step.cause = "A virtual function has no link, and many do not even start, while the host's interface of the physical function is down.";
    step.remedy = fmt::format("On the host: ip link set {} up; reload the guest's driver if it gave up.", interface());
  }
  add_host(std::move(step));
}

void Explainer::link() {
  if (!has_interface()) return;
  using host::VfLinkState;
  const PhysicalFacts& physical = *host_.physical;
  const VfLinkState chosen = physical.settings.link_state.value_or(VfLinkState::kAuto);
  Step step{.name = "link", .title = "link", .status = Status::kOk};
  if (chosen == VfLinkState::kDisable) {
    step.status = Status::kFailed;
    step.finding = "the VF's link is disabled";
    step.cause = fmt::format("link_state of VF {} of {} is disable.", physical.index, interface());
    step.remedy = fmt::format("On the host: strait vf set {} {} link_state=auto", interface(), physical.index);
  } else if (chosen == VfLinkState::kEnable) {
    step.finding = "forced up for the VF";
  } else if (!physical.up.value_or(false) || !physical.carrier) {
    step.status = Status::kUnknown;
  } else if (*physical.carrier) {
    step.finding = "carrier on " + interface();
  } else {
    step.status = Status::kFailed;
    step.finding = fmt::format("no carrier: PF {} has no link", interface());
    step.cause = "The host's interface is up, but its cable or the switch's port gives no carrier.";
    step.remedy = fmt::format("Check cable and switch; VFs reach each other without: strait vf set {} {} link_state=enable", interface(),
                              physical.index);
  }
  add_host(std::move(step));
}

/// Whether a VLAN is the right one, only who chose it knows.
void Explainer::settings() {
  if (!has_interface() || host_.physical->settings.empty()) return;
  const host::VfSettings& settings = host_.physical->settings;
  const std::string mac = settings.mac ? host::to_string(*settings.mac) : "not told";
  Step step{.name = "vf_settings", .title = "VF settings", .status = Status::kOk};
  step.finding = fmt::format("no VLAN, MAC {}{}", mac, settings.spoofchk.value_or(false) ? ", spoofchk" : "");
  if (const std::uint32_t vlan = settings.vlan.value_or(0); vlan != 0) {
    step.status = Status::kUnknown;
    step.finding = fmt::format("VLAN {}: is it the right one?", vlan);
    step.cause = fmt::format("The card tags what the guest sends with VLAN {0}, and hands it only what comes in VLAN {0}.", vlan);
    step.remedy = fmt::format("If it hears nobody: strait vf set {} {} vlan=0, or the VLAN of those that it is to talk with.", interface(),
                              host_.physical->index);
  }
  add(std::move(step));
}

void Explainer::arriving() {
  Step step{.name = "interrupts_arriving", .title = "interrupts arriving"};
  if (stopped_ && !host_.interrupts.value_or(0)) {
    add(std::move(step));
    return;
  }
  if (!host_.interrupts) {
    step.finding = "the host does not tell";
  } else if (*host_.interrupts > 0) {
    step.status = Status::kOk;
    step.finding = fmt::format("{} so far", *host_.interrupts);
  } else if (!interrupts_wanted_) {
    const bool pin = function().intx_on;
    step.status = pin && need() == Need::kYes ? Status::kWaiting : need() == Need::kNo ? Status::kOk : Status::kUnknown;
    step.finding = pin ? "none so far; whether a driver listens to the pin is not seen" : "none so far";
  } else if (host_.posted == true) {
    step.finding = "the host does not see them: they are posted to the guest";
  } else if (host_.watched < kInterruptPatience || function().vendor == kVirtio) {
    step.status = Status::kWaiting;
    step.finding = function().vendor == kVirtio ? "none so far; a virtio device has them only when it is used" : "none so far";
  } else if (need() != Need::kYes || host_failed_) {
    step.finding = "none so far";
  } else if (!host_.posted) {
    step.finding = "none so far; they may be posted to the guest, unseen by the host";
  } else if (polls()) {
    step.finding = "none so far; a driver that polls (DPDK) wants them for events only";
  } else {
    step.status = Status::kFailed;
    step.finding = "enabled, but none arriving";
    step.cause = "The guest listens, and the device sends nothing: it has no link, stopped, or its messages are lost on the way to the host.";
    step.remedy = "See dmesg of the host (DMAR, AMD-Vi, interrupt remapping) and of the guest; strait doctor looks at the host.";
  }
  add(std::move(step));
}

}  // namespace

const Step* Explanation::failure() const {
  const auto found = std::ranges::find(steps, Status::kFailed, &Step::status);
  return found == steps.end() ? nullptr : &*found;
}

Explanation::Verdict Explanation::verdict() const {
  if (failure() != nullptr) return Verdict::kFailed;
  const auto waiting = std::ranges::find(steps, Status::kWaiting, &Step::status);
  if (waiting == steps.end()) return Verdict::kWorks;
  constexpr std::string_view kIdle[] = {"power", "interrupts_connected", "interrupts_arriving"};
  return std::ranges::find(kIdle, waiting->name) != std::end(kIdle) ? Verdict::kIdle : Verdict::kNotYet;
}

Explanation explain(const DeviceFacts& device, const HostFacts& host) { return Explainer(device, host).explain(); }

}  // namespace strait
