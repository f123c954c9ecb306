#include "cli/libvirt/left_out.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace strait::libvirt {
namespace {

struct Entry {
  std::string_view path;  ///< from the root, or the end of any path where it starts with //
  Loss loss;
  std::string_view text;
};

constexpr auto kLost = Loss::kLost;
constexpr auto kNone = Loss::kNone;

constexpr std::string_view kForPeople = "for people and for tools; strait has no use for it";
constexpr std::string_view kRuntime = "how libvirt runs it, and nothing of the guest";
constexpr std::string_view kFirmware = "strait starts a kernel without firmware";
constexpr std::string_view kBus = "the guest has one PCI bus, without bridges, and strait's own few devices";
constexpr std::string_view kProcessor = "the guest sees the host's processor";
constexpr std::string_view kDisk = "strait has no disks of its own; assign a disk controller with device =";
constexpr std::string_view kGraphics = "strait has no emulated graphics and input; assign a device for them";
constexpr std::string_view kSound = "strait has no emulated sound; assign a device for it";
constexpr std::string_view kUsb = "strait has no emulated USB; assign a USB controller with device =";
constexpr std::string_view kVirtio = "strait has no virtio devices";
constexpr std::string_view kNuma = "the guest has one NUMA node";
constexpr std::string_view kCgroup = "strait sets no limits; start it in a cgroup, as with systemd-run";
constexpr std::string_view kTime = "strait has no clock chip and no HPET; KVM's clock tells the time, in UTC";
constexpr std::string_view kSleep = "the guest of strait has no sleep states";
constexpr std::string_view kHyperV = "strait offers nothing of Hyper-V to the guest";
constexpr std::string_view kFeature = "strait has no such switch";
constexpr std::string_view kBootOrder = "strait boots the kernel that it is given; there is no order";
constexpr std::string_view kQemu = "words for QEMU, which is not here";
constexpr std::string_view kSmbios = "strait has no SMBIOS tables";
constexpr std::string_view kTcNetwork = "a VF's frames do not pass the host; set limits with strait vf set";
constexpr std::string_view kPlug = "strait has no memory hot plug";
constexpr std::string_view kSecurity = "strait sets no labels; start it under the user and label that it is to have";

constexpr auto kTable = std::to_array<Entry>({
    {"//@xmlns", kNone, "names a namespace"},
    {"//alias", kNone, "libvirt's own name for the device"},
    {"//boot", kLost, kBootOrder},
    {"/domain/@id", kNone, kRuntime},
    {"/domain/uuid", kLost, "strait has no SMBIOS tables; the guest sees no product_uuid"},
    {"/domain/hwuuid", kLost, kSmbios},
    {"/domain/genid", kLost, "strait has no generation ID device"},
    {"/domain/title", kNone, kForPeople},
    {"/domain/description", kNone, kForPeople},
    {"/domain/metadata", kNone, kForPeople},
    {"/domain/bootloader", kLost, "a Xen matter"},
    {"/domain/bootloader_args", kLost, "a Xen matter"},
    {"/domain/iothreads", kLost, kVirtio},
    {"/domain/iothreadids", kLost, kVirtio},
    {"/domain/defaultiothread", kLost, kVirtio},
    {"/domain/throttlegroups", kLost, kDisk},
    {"/domain/cputune/shares", kLost, kCgroup},
    {"/domain/cputune/period", kLost, kCgroup},
    {"/domain/cputune/quota", kLost, kCgroup},
    {"/domain/cputune/global_period", kLost, kCgroup},
    {"/domain/cputune/global_quota", kLost, kCgroup},
    {"/domain/cputune/emulator_period", kLost, kCgroup},
    {"/domain/cputune/emulator_quota", kLost, kCgroup},
    {"/domain/cputune/cachetune", kLost, kCgroup},
    {"/domain/cputune/memorytune", kLost, kCgroup},
    {"/domain/cputune/emulatorsched", kLost, "chrt sets the scheduler of a thread"},
    {"/domain/cputune/iothreadsched", kLost, kVirtio},
    {"/domain/cputune/iothreadpin", kLost, kVirtio},
    {"/domain/cputune/iothread_period", kLost, kVirtio},
    {"/domain/cputune/iothread_quota", kLost, kVirtio},
    {"/domain/vcpus", kLost, "all processors are there from the start"},
    {"/domain/numatune/memnode", kLost, kNuma},
    {"/domain/resource", kLost, kCgroup},
    {"/domain/blkiotune", kLost, kCgroup},
    {"/domain/memtune", kLost, kCgroup},
    {"/domain/maxMemory", kLost, kPlug},
    {"/domain/memory/@dumpCore", kLost, kFeature},
    {"/domain/memoryBacking/source", kLost, "the guest's memory is anonymous"},
    {"/domain/memoryBacking/access", kLost, "the guest's memory is shared with nobody"},
    {"/domain/memoryBacking/allocation", kNone, "with a device, all memory is made present at the start"},
    {"/domain/memoryBacking/locked", kNone, "with a device, all memory is locked"},
    {"/domain/memoryBacking/nosharepages", kNone, "strait does not offer its pages for merging"},
    {"/domain/memoryBacking/discard", kLost, kFeature},
    {"/domain/sysinfo", kLost, kSmbios},
    {"/domain/os/initrd", kLost, "there is no kernel that it is for"},
    {"/domain/os/cmdline", kLost, "there is no kernel that it is for"},
    {"/domain/os/smbios", kLost, kSmbios},
    {"/domain/os/@firmware", kLost, kFirmware},
    {"/domain/os/firmware", kLost, kFirmware},
    {"/domain/os/loader", kLost, kFirmware},
    {"/domain/os/nvram", kLost, kFirmware},
    {"/domain/os/varstore", kLost, kFirmware},
    {"/domain/os/shim", kLost, kFirmware},
    {"/domain/os/bios", kLost, kFirmware},
    {"/domain/os/bootmenu", kLost, kFirmware},
    {"/domain/os/acpi", kLost, "strait makes the ACPI tables itself"},
    {"/domain/os/dtb", kLost, "an x86 guest has no device tree"},
    {"/domain/os/init", kLost, "for containers"},
    {"/domain/os/initarg", kLost, "for containers"},
    {"/domain/os/initenv", kLost, "for containers"},
    {"/domain/os/initdir", kLost, "for containers"},
    {"/domain/os/inituser", kLost, "for containers"},
    {"/domain/os/initgroup", kLost, "for containers"},
    {"/domain/idmap", kLost, "for containers"},
    {"/domain/os/type/@machine", kLost, "strait's machine is its own: one PCI Express bus, ACPI, no legacy devices"},
    {"/domain/features/hyperv", kLost, kHyperV},
    {"/domain/features/kvm", kLost, kFeature},
    {"/domain/features/kvm/hint-dedicated", kLost, "where pin = gives each processor CPUs of its own, dedicated does that and more"},
    {"/domain/features/kvm/poll-control", kLost, kFeature},
    {"/domain/features/kvm/pv-ipi", kLost, kFeature},
    {"/domain/features/kvm/dirty-ring", kLost, "strait does not migrate guests"},
    {"/domain/features/xen", kLost, "strait offers nothing of Xen to the guest"},
    {"/domain/features/acpi", kNone, "the guest always has ACPI"},
    {"/domain/features/apic", kNone, "the guest always has APICs"},
    {"/domain/features/apic/@eoi", kLost, kFeature},
    {"/domain/features/pae", kNone, "the guest sees the host's processor"},
    {"/domain/features/privnet", kLost, "for containers"},
    {"/domain/features/hap", kNone, "KVM uses nested paging where the processor has it"},
    {"/domain/features/viridian", kLost, kHyperV},
    {"/domain/features/pvspinlock", kLost, kFeature},
    {"/domain/features/pmu", kLost, kFeature},
    {"/domain/features/vmport", kLost, "strait has no VMware port"},
    {"/domain/features/smm", kLost, kFirmware},
    {"/domain/features/ioapic", kLost, "the I/O APIC is KVM's"},
    {"/domain/features/gic", kLost, "for other architectures"},
    {"/domain/features/hpt", kLost, "for other architectures"},
    {"/domain/features/htm", kLost, "for other architectures"},
    {"/domain/features/ras", kLost, "for other architectures"},
    {"/domain/features/cfpc", kLost, "for other architectures"},
    {"/domain/features/sbbc", kLost, "for other architectures"},
    {"/domain/features/ibs", kLost, "for other architectures"},
    {"/domain/features/aia", kLost, "for other architectures"},
    {"/domain/features/nested-hv", kLost, "for other architectures"},
    {"/domain/features/ccf-assist", kLost, "for other architectures"},
    {"/domain/features/capabilities", kLost, "for containers"},
    {"/domain/features/vmcoreinfo", kLost, "strait has no fw_cfg"},
    {"/domain/features/ps2", kLost, kGraphics},
    {"/domain/features/msrs", kLost, kFeature},
    {"/domain/features/tcg", kLost, "strait runs every guest with KVM"},
    {"/domain/features/async-teardown", kLost, kFeature},
    {"/domain/cpu", kLost, kProcessor},
    {"/domain/cpu/@match", kLost, kProcessor},
    {"/domain/cpu/@check", kLost, kProcessor},
    {"/domain/cpu/@migratable", kLost, "strait does not migrate guests"},
    {"/domain/cpu/@deprecated_features", kLost, kProcessor},
    {"/domain/cpu/model", kLost, kProcessor},
    {"/domain/cpu/vendor", kLost, kProcessor},
    {"/domain/cpu/feature", kLost, kProcessor},
    {"/domain/cpu/cache", kLost, kProcessor},
    {"/domain/cpu/maxphysaddr", kLost, kProcessor},
    {"/domain/cpu/numa", kLost, kNuma},
    {"/domain/clock", kLost, kTime},
    {"/domain/clock/timer", kLost, kTime},
    {"/domain/on_lockfailure", kLost, kDisk},
    {"/domain/pm", kLost, kSleep},
    {"/domain/perf", kLost, "strait counts its own events: --metrics"},
    {"/domain/seclabel", kLost, kSecurity},
    {"/domain/keywrap", kLost, "for other architectures"},
    {"/domain/launchSecurity", kLost, "strait has no encrypted guests"},
    {"/domain/devices/emulator", kNone, "strait takes its place"},
    {"/domain/devices/disk", kLost, kDisk},
    {"/domain/devices/lease", kLost, kDisk},
    {"/domain/devices/filesystem", kLost, kVirtio},
    {"/domain/devices/controller", kLost, kBus},
    {"/domain/devices/channel", kLost, kVirtio},
    {"/domain/devices/parallel", kLost, "strait has no parallel port"},
    {"/domain/devices/input", kLost, kGraphics},
    {"/domain/devices/graphics", kLost, kGraphics},
    {"/domain/devices/video", kLost, kGraphics},
    {"/domain/devices/sound", kLost, kSound},
    {"/domain/devices/audio", kLost, kSound},
    {"/domain/devices/hub", kLost, kUsb},
    {"/domain/devices/redirdev", kLost, kUsb},
    {"/domain/devices/redirfilter", kLost, kUsb},
    {"/domain/devices/smartcard", kLost, kUsb},
    {"/domain/devices/watchdog", kLost, "strait has no watchdog; --timeout ends a run after a time"},
    {"/domain/devices/memballoon", kLost, "strait has no balloon; the guest has all its memory"},
    {"/domain/devices/rng", kLost, "strait has no virtio-rng; the guest has the processor's RDRAND"},
    {"/domain/devices/tpm", kLost, "strait has no TPM"},
    {"/domain/devices/nvram", kLost, "for other architectures"},
    {"/domain/devices/shmem", kLost, "the guest's memory is shared with nobody"},
    {"/domain/devices/memory", kLost, kPlug},
    {"/domain/devices/iommu", kLost, "the guest has no IOMMU"},
    {"/domain/devices/vsock", kLost, kVirtio},
    {"/domain/devices/crypto", kLost, kVirtio},
    {"/domain/devices/pstore", kLost, "strait has no ACPI ERST"},
    {"/domain/devices/serial/source", kNone, kRuntime},
    {"/domain/devices/serial/log", kLost, "strait writes to standard output; tee keeps it"},
    {"/domain/devices/serial/protocol", kLost, kRuntime},
    {"/domain/devices/serial/address", kNone, "the serial port is COM1, where a PC has it"},
    {"/domain/devices/console/@tty", kNone, kRuntime},
    {"/domain/devices/console/source", kNone, kRuntime},
    {"/domain/devices/console/protocol", kLost, kRuntime},
    {"/domain/devices/console/log", kLost, "strait writes to standard output; tee keeps it"},
    {"/domain/devices/panic/address", kNone, "the panic port is 0x505, as everywhere"},
    {"/domain/devices/hostdev/origstates", kNone, kRuntime},
    {"/domain/devices/hostdev/source/@writeFiltering", kLost, "for Xen"},
    {"/domain/devices/hostdev/source/@startupPolicy", kLost, "for USB"},
    {"/domain/devices/hostdev/driver/@model", kLost, "strait binds vfio-pci"},
    {"/domain/devices/hostdev/driver/@iommufd", kLost, "strait opens the VFIO group"},
    {"/domain/devices/hostdev/driver/iommufd", kLost, "strait opens the VFIO group"},
    {"//teaming", kLost, "strait has no virtio-net to fail over to"},
    {"//acpi", kLost, "the guest's name for a device comes from its slot: addr="},
    {"//hostdev/address/zpci", kLost, "for other architectures"},
    {"//hostdev/address/@multifunction", kNone, "strait finds out what has several functions"},
    {"//interface/address/@multifunction", kNone, "strait finds out what has several functions"},
    {"/domain/devices/interface/driver/@model", kLost, "strait binds vfio-pci"},
    {"/domain/devices/interface/driver/@iommufd", kLost, "strait opens the VFIO group"},
    {"/domain/devices/interface/@trustGuestRxFilters", kLost, "for macvtap; where the VF is to set its filters, write trust=on"},
    {"/domain/devices/interface/mac/@type", kNone, "says whether VMware made the address up"},
    {"/domain/devices/interface/mac/@check", kNone, "says whether VMware checks the address"},
    {"/domain/devices/interface/mac/@currentAddress", kNone, kRuntime},
    {"/domain/devices/interface/source/@network", kNone, "the function that libvirt took from this network is given"},
    {"/domain/devices/interface/source/@portid", kNone, kRuntime},
    {"/domain/devices/interface/source/@portgroup", kNone, kRuntime},
    {"/domain/devices/interface/target", kNone, "a VF that the guest has is no interface of the host"},
    {"/domain/devices/interface/guest", kLost, "for containers"},
    {"/domain/devices/interface/model", kNone, "the guest sees the VF itself"},
    {"/domain/devices/interface/virtualport", kLost, "strait speaks to no switch"},
    {"/domain/devices/interface/bandwidth", kLost, kTcNetwork},
    {"/domain/devices/interface/link", kLost, "to hold a VF's link down, write link_state=disable"},
    {"/domain/devices/interface/mtu", kLost, "the guest's driver sets the MTU, up to what the PF has"},
    {"/domain/devices/interface/coalesce", kLost, "the guest's driver sets it"},
    {"/domain/devices/interface/filterref", kLost, "a VF's frames do not pass the host"},
    {"/domain/devices/interface/ip", kLost, "the guest sets its addresses"},
    {"/domain/devices/interface/route", kLost, "the guest sets its routes"},
    {"/domain/devices/interface/port", kLost, "a VF's frames do not pass the host"},
    {"/domain/devices/interface/backend", kLost, kVirtio},
    {"/domain/devices/interface/tune", kLost, kVirtio},
    {"/domain/qemu:commandline", kLost, kQemu},
    {"/domain/qemu:capabilities", kLost, kQemu},
    {"/domain/qemu:override", kLost, kQemu},
    {"/domain/qemu:deprecation", kLost, kQemu},
});

bool matches(std::string_view pattern, std::string_view path) {
  if (!pattern.starts_with("//")) return pattern == path;
  // A namespace declaration is xmlns, or xmlns:NAME.
  if (pattern == "//@xmlns") return path.find("/@xmlns") != std::string_view::npos;
  return path.ends_with(pattern.substr(1));
}

std::string_view title_of(Loss loss) {
  switch (loss) {
    case Loss::kLost: return "Left out:";
    case Loss::kUnknown: return "Left out, as strait does not know the names:";
    case Loss::kNone: break;
  }
  return "Not written, and nothing is lost by it:";
}

/// The parts of one title, a reason once for all that have it.
void append_list(std::string& text, const std::vector<LeftOut>& parts, Loss loss) {
  std::vector<std::string_view> reasons;
  for (const LeftOut& part : parts) {
    if (part.loss == loss && std::ranges::find(reasons, part.reason) == reasons.end()) reasons.push_back(part.reason);
  }
  if (!reasons.empty()) text += fmt::format("{}\n", title_of(loss));
  for (const std::string_view reason : reasons) {
    if (!reason.empty()) text += fmt::format("  {}\n", reason);
    for (const LeftOut& part : parts) {
      if (part.loss == loss && part.reason == reason) text += fmt::format("    line {}: {}\n", part.line, part.path);
    }
  }
}

}  // namespace

Reason reason_for(std::string_view path) {
  // What is said of a path itself goes before what is said of all that end so.
  for (const bool anywhere : {false, true}) {
    const auto fits = [&](const Entry& entry) { return entry.path.starts_with("//") == anywhere && matches(entry.path, path); };
    const auto found = std::ranges::find_if(kTable, fits);
    if (found != kTable.end()) return {found->loss, found->text};
  }
  return {Loss::kUnknown, ""};
}

std::string report_of(const std::vector<LeftOut>& parts) {
  std::string text;
  for (const Loss loss : {Loss::kLost, Loss::kUnknown, Loss::kNone}) append_list(text, parts, loss);
  return text;
}

}  // namespace strait::libvirt
