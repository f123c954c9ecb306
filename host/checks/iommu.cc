#include "host/checks/iommu.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "host/interrupt_counts.h"
#include "host/pci_function.h"

namespace strait::host {
namespace fs = std::filesystem;
namespace {

constexpr const char* kModprobeFile = "/etc/modprobe.d/strait.conf";
constexpr const char* kIntelOn = "intel_iommu=on";
constexpr unsigned kInterruptRemappingBit = 3;  // of VT-d's ecap
constexpr unsigned kPostedInterruptsBit = 59;   // of VT-d's cap
constexpr unsigned kGuestApicBit = 7;           // of AMD's extended features
constexpr std::size_t kDmarFlags = 37;          // behind the header of 36 bytes and the host address width

std::optional<std::string> acpi_table(const HostView& host, const char* name) {
  return host.read_sysfs(fs::path("firmware/acpi/tables") / name);
}

/// A table may be there for all to see, and for root alone to read.
bool has_acpi_table(const HostView& host, const char* name) {
  std::error_code error;
  return fs::exists(host.sysfs / "firmware/acpi/tables" / name, error);
}

/// The names of the units in sysfs: dmar0 and so on are VT-d's, ivhd0 AMD's.
std::vector<std::string> units(const HostView& host) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& unit : fs::directory_iterator(host.sysfs / "class/iommu", error)) names.push_back(unit.path().filename());
  std::ranges::sort(names);
  return names;
}

/// Whether the IOMMU is one after VT-d. An emulated one may stand beside a processor of another maker, so that only speaks where nothing
/// else does.
bool is_vtd(const HostView& host) {
  if (const auto names = units(host); !names.empty()) return names.front().starts_with("dmar");
  if (has_acpi_table(host, "DMAR") || has_acpi_table(host, "IVRS")) return has_acpi_table(host, "DMAR");
  return host.cpu_vendor() == HostView::Vendor::kIntel;
}

/// The words of the kernel's command line that turn this IOMMU off.
std::vector<std::string> words_that_turn_off(const HostView& host) {
  std::vector<std::string> words;
  for (const char* key : {"iommu", is_vtd(host) ? "intel_iommu" : "amd_iommu"}) {
    if (host.booted_with(key, "off")) words.push_back(fmt::format("{}=off", key));
  }
  return words;
}

/// The only number of a register's file, or the one in AMD's "features" that is the Extended Feature Register. Since Linux 6.0 the second
/// register of that name is there, too, and until 6.7 it comes first. Before 6.0 it is a distribution's work: nobody knows which is which.
std::string_view extended_features(const HostView& host, std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return text;
  const auto version = host.kernel_version();
  if (version >= std::pair(6u, 7u)) return text.substr(0, colon);
  return version >= std::pair(6u, 0u) ? text.substr(colon + 1) : std::string_view();
}

/// Whether each unit that has the register `file`, such as "intel-iommu/ecap", has the bit in it; nothing where none has the register, or one
/// is not understood.
std::optional<bool> all_have(const HostView& host, const char* file, unsigned bit) {
  std::optional<bool> all;
  for (const std::string& unit : units(host)) {
    const auto text = host.read_sysfs(fs::path("class/iommu") / unit / file);
    if (!text) continue;
    const std::string_view digits = extended_features(host, *text);
    std::uint64_t value = 0;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), value, 16).ec != std::errc()) return std::nullopt;
    all = all.value_or(true) && ((value >> bit) & 1) != 0;
  }
  return all;
}

/// Notes that words of the kernel's command line have to go, and returns the remedy.
std::string without_words(Check& check, const std::vector<std::string>& words) {
  for (const std::string& word : words) check.settings.push_back({std::string(kKernelCommandLine), word, true});
  return fmt::format("remove {} from the kernel command line (/etc/default/grub, then update-grub)", fmt::join(words, " and "));
}

Check iommu_off(const HostView& host, Check check) {
  check.status = Status::kFailed;
  check.finding = "off: there are no IOMMU groups";
  const char* table = is_vtd(host) ? "DMAR" : "IVRS";
  if (const auto words = words_that_turn_off(host); !words.empty()) {
    check.cause = fmt::format("the kernel was booted with {}", fmt::join(words, " and "));
    check.remedy = without_words(check, words);
    if (is_vtd(host)) check.remedy += fmt::format(", and put {} there", kIntelOn);
  } else if (!has_acpi_table(host, table) && host.virtual_machine()) {
    check.cause = fmt::format("this host is a virtual machine without an IOMMU: ACPI has no {} table", table);
    check.remedy =
        "give it one: QEMU -machine q35,kernel-irqchip=split -device intel-iommu,intremap=on,caching-mode=on; a cloud's "
        "bare-metal instances have one";
  } else if (!has_acpi_table(host, table)) {
    check.cause = fmt::format("ACPI has no {} table: the firmware has the IOMMU disabled, or the machine has none", table);
    check.remedy = is_vtd(host) ? fmt::format("enable VT-d in the firmware set-up, and boot with {}", kIntelOn)
                                : "enable IOMMU (AMD-Vi) in the firmware set-up; the kernel needs no option";
  } else if (is_vtd(host) && !host.booted_with("intel_iommu", "on")) {
    check.cause = "the firmware has it enabled (ACPI table DMAR), but the kernel was not told to use it";
    check.remedy =
        fmt::format("put {} on the kernel command line (GRUB_CMDLINE_LINUX in /etc/default/grub), then update-grub and reboot", kIntelOn);
  } else {
    check.cause = fmt::format(
        "the firmware has it enabled (ACPI table {}), but the kernel could not turn it on, or was built without its driver", table);
    check.remedy =
        fmt::format("see what dmesg | grep -e {} -e IOMMU says; a firmware update often helps", is_vtd(host) ? "DMAR" : "AMD-Vi");
  }
  if (is_vtd(host) && !host.booted_with("intel_iommu", "on")) check.settings.push_back({std::string(kKernelCommandLine), kIntelOn});
  return check;
}

/// Why no interrupt controller of this host remaps.
Check not_remapping(const HostView& host, Check check) {
  check.status = Status::kFailed;
  check.finding = "off";
  const auto dmar = acpi_table(host, "DMAR");
  if (host.booted_with("intremap", "off")) {
    check.cause = "the kernel was booted with intremap=off";
    check.remedy = without_words(check, {"intremap=off"});
  } else if (all_have(host, "intel-iommu/ecap", kInterruptRemappingBit) == false) {
    check.cause = "not every IOMMU of this machine can (ecap bit 3 in /sys/class/iommu/*/intel-iommu)";
    check.remedy = host.virtual_machine() ? "QEMU: -machine q35,kernel-irqchip=split -device intel-iommu,intremap=on"
                                          : "use another machine; or, trusting the guest with the whole host, allow it in spite of that";
  } else if (dmar && dmar->size() > kDmarFlags && ((*dmar)[kDmarFlags] & 1) == 0) {
    check.cause = "the firmware forbids it (flag INTR_REMAP of the ACPI table DMAR)";
    check.remedy = "enable interrupt remapping or x2APIC in the firmware set-up, or update the firmware";
  } else {
    check.cause = "the IOMMU could, but the kernel did not turn it on: mostly a fault in the firmware's tables";
    check.remedy = fmt::format("see what dmesg | grep -i -e remap -e {} says, and update the firmware", is_vtd(host) ? "DMAR" : "AMD-Vi");
  }
  if (host.module_switch("vfio_iommu_type1", "allow_unsafe_interrupts") == true) {
    check.status = Status::kWarning;
    check.finding = "off, and allow_unsafe_interrupts is set";
    check.cause += "; a guest with a device can raise any interrupt of this host";
  } else if (!host.booted_with("intremap", "off")) {
    check.remedy += fmt::format(". Unsafe, for a guest that may break the host: 'options vfio_iommu_type1 allow_unsafe_interrupts=1' in {}",
                                kModprobeFile);
  }
  return check;
}

std::string first_unit(const HostView& host) {
  const std::vector<std::string> names = units(host);
  if (names.empty()) return {};
  return names.size() == 1 ? fmt::format(" of {}", names.front()) : fmt::format(" of {} and {} more", names.front(), names.size() - 1);
}

}  // namespace

Check check_iommu(const HostView& host) {
  Check check = {.kind = CheckKind::kIommu, .name = "IOMMU"};
  const std::size_t groups = count_iommu_groups(host.sysfs);
  if (groups == 0) return iommu_off(host, check);
  check.finding = fmt::format("on, {} group{}{}", groups, groups == 1 ? "" : "s", first_unit(host));
  // The host's own DMA then goes untranslated, which is faster; a guest's devices are translated all the same.
  if (host.booted_with("iommu", "pt") || host.booted_with("iommu.passthrough", "1")) check.finding += ", iommu=pt (fine)";
  return check;
}

Check check_interrupt_remapping(const HostView& host) {
  Check check = {.kind = CheckKind::kInterruptRemapping, .name = "interrupt remapping"};
  const auto interrupts = read_interrupts(host.procfs);
  if (count_iommu_groups(host.sysfs) == 0) {
    check.status = Status::kUnknown;
    check.finding = "the IOMMU does it, and is off";
  } else if (!interrupts) {
    check.status = Status::kUnknown;
    check.finding = "/proc/interrupts cannot be read";
  } else if (interrupts->find(" IR-") == std::string::npos) {
    return not_remapping(host, check);
  } else if (host.booted_with("intremap", "nosid")) {
    check.status = Status::kWarning;
    check.finding = "on, but any device may raise another's interrupts";
    check.cause = "the kernel was booted with intremap=nosid, so the source of an interrupt is not checked";
    check.remedy = without_words(check, {"intremap=nosid"});
  } else if (host.module_switch("vfio_iommu_type1", "allow_unsafe_interrupts") == true) {
    check.status = Status::kNote;
    check.finding = "on; allow_unsafe_interrupts is set, and not needed";
  } else {
    check.finding = "on";
  }
  return check;
}

Check check_posted_interrupts(const HostView& host) {
  Check check = {.kind = CheckKind::kSpeed, .name = "posted interrupts", .status = Status::kNote};
  const bool vtd = is_vtd(host);
  const auto unit = vtd ? all_have(host, "intel-iommu/cap", kPostedInterruptsBit) : all_have(host, "amd-iommu/features", kGuestApicBit);
  const bool is_intel = host.cpu_vendor() == HostView::Vendor::kIntel;
  const char* module = is_intel ? "kvm_intel" : "kvm_amd";
  const char* parameter = is_intel ? "enable_apicv" : "avic";
  const auto processor = host.module_switch(module, parameter);
  if (count_iommu_groups(host.sysfs) == 0) {
    check.finding = "none without an IOMMU";
  } else if (unit == false) {
    check.finding = "the IOMMU has none: each interrupt of a device costs an exit";
  } else if (host.booted_with("intremap", "nopost")) {
    check.finding = "off: booted with intremap=nopost";
  } else if (!processor) {
    check.status = Status::kUnknown;
    check.finding = fmt::format("{} is not loaded, or hides its parameter {}", module, parameter);
  } else if (!*processor) {
    check.finding = fmt::format("off in KVM: {} has {}=N", module, parameter);
    check.remedy = fmt::format("where the processor can: 'options {} {}=1' in {}", module, parameter, kModprobeFile);
  } else if (!unit) {
    check.status = Status::kUnknown;
    check.finding = "KVM could; whether the IOMMU can this kernel does not tell";
  } else {
    check.status = Status::kOk;
    check.finding = fmt::format("on ({})", is_intel ? "VT-d posted interrupts, APICv" : "AVIC");
  }
  return check;
}

std::optional<bool> posts_interrupts(const HostView& host) {
  const Status status = check_posted_interrupts(host).status;
  return status == Status::kUnknown ? std::nullopt : std::optional(status == Status::kOk);
}

}  // namespace strait::host
