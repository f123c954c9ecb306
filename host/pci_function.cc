#include "host/pci_function.h"

#include <algorithm>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/syscall.h"

namespace strait::host {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kVfioDriver = "vfio-pci";

/// The last part of what a symbolic link points to; empty where there is no link.
std::string link_name(const fs::path& link) {
  std::error_code error;
  const fs::path target = fs::read_symlink(link, error);
  return error ? std::string() : target.filename().string();
}

/// Any VFIO variant driver (mlx5_vfio_pci, igb_vfio_pci, ...) serves: their names all carry it.
bool is_vfio(std::string_view driver) { return driver.find("vfio") != std::string_view::npos; }

/// Holds no device of the group against us: bridges' port driver, and stubs that never touch the hardware.
bool is_harmless(std::string_view driver) { return driver.empty() || is_vfio(driver) || driver == "pci-stub" || driver == "pcieport"; }

/// The commands that put a function on vfio-pci: never new_id, which would take every device of that kind.
std::string bind_commands(const Bdf& bdf, std::string_view driver) {
  const std::string device = "/sys/bus/pci/devices/" + bdf.to_string();
  std::string commands = fmt::format("modprobe {0}; echo {0} > {1}/driver_override; ", kVfioDriver, device);
  if (!driver.empty()) commands += fmt::format("echo {} > {}/driver/unbind; ", bdf.to_string(), device);
  return commands + fmt::format("echo {} > /sys/bus/pci/drivers_probe", bdf.to_string());
}

}  // namespace

PciFunction::PciFunction(Bdf bdf, fs::path sysfs) : bdf_(bdf), sysfs_(std::move(sysfs)) {
  std::error_code error;
  if (!fs::exists(path(), error)) {
    throw Error(fmt::format("there is no PCI function {} on this host", bdf_.to_string()), "lspci -D lists those there are");
  }
}

fs::path PciFunction::path() const { return sysfs_ / "bus/pci/devices" / bdf_.to_string(); }

std::string PciFunction::driver() const { return link_name(path() / "driver"); }

bool PciFunction::on_vfio() const { return is_vfio(driver()); }

bool is_on_vfio(const Bdf& bdf, const fs::path& sysfs) { return is_vfio(link_name(sysfs / "bus/pci/devices" / bdf.to_string() / "driver")); }

std::optional<unsigned> PciFunction::iommu_group() const {
  const std::string name = link_name(path() / "iommu_group");
  if (name.empty() || name.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  return static_cast<unsigned>(std::stoul(name));
}

std::vector<Bdf> PciFunction::group_members() const {
  std::vector<Bdf> members;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path() / "iommu_group/devices", error)) {
    members.push_back(Bdf::parse(entry.path().filename().string()));
  }
  std::sort(members.begin(), members.end());
  return members;
}

bool PciFunction::is_bridge() const {
  try {
    return read_text_file(path() / "class").starts_with("0x06");
  } catch (const Error&) {
    return false;
  }
}

std::string PciFunction::network_interface() const {
  std::error_code error;
  const fs::directory_iterator first(path() / "net", error);
  return error || first == fs::directory_iterator() ? std::string() : first->path().filename().string();
}

void check_assignable(const PciFunction& function) {
  const std::string name = function.bdf().to_string();
  if (!function.iommu_group()) {
    throw Error(fmt::format("no IOMMU translates for {}", name),
                "enable VT-d or AMD-Vi in the firmware set-up and boot the host with intel_iommu=on (AMD needs no option)");
  }
  if (const std::string driver = function.driver(); !is_vfio(driver)) {
    const std::string interface = function.network_interface();
    throw Error(driver.empty() ? fmt::format("{} is bound to no driver", name)
                               : fmt::format("{} is bound to the host driver {}{}", name, driver, interface.empty() ? "" : " as " + interface),
                "give it to " + std::string(kVfioDriver) + ": " + bind_commands(function.bdf(), driver));
  }
  std::vector<std::string> holders;
  for (const Bdf& bdf : function.group_members()) {
    const PciFunction member = function.sibling(bdf);
    if (const std::string driver = member.driver(); bdf != function.bdf() && !is_harmless(driver) && !member.is_bridge()) {
      holders.push_back(fmt::format("{} ({})", bdf.to_string(), driver));
    }
  }
  if (!holders.empty()) {
    throw Error(fmt::format("IOMMU group {} of {} is shared with functions that host drivers use: {}", *function.iommu_group(), name,
                            fmt::join(holders, ", ")),
                "release them from their drivers, or move the card to a slot with a group of its own");
  }
}

}  // namespace strait::host
