#include "host/pci_function.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "base/error.h"
#include "base/syscall.h"
#include "base/unique_fd.h"
#include "host/network_interface.h"

namespace strait::host {
namespace fs = std::filesystem;
namespace {

constexpr std::uint32_t kBaseClassBridge = 0x06;
constexpr std::uint32_t kPciBridge = 0x0604, kCardBusBridge = 0x0607, kSemiTransparentBridge = 0x0609;
constexpr std::size_t kConfigSize = 256;

std::optional<std::string> text_of(const fs::path& file) {
  try {
    return read_text_file(file);
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// VFIO makes groups of its own where it is told to do without an IOMMU.
bool is_without_iommu(const fs::path& group) { return text_of(group / "name") == "vfio-noiommu"; }

/// The last part of what a symbolic link points to; empty where there is no link.
std::string link_name(const fs::path& link) {
  std::error_code error;
  const fs::path target = fs::read_symlink(link, error);
  return error ? std::string() : target.filename().string();
}

/// The PCI functions that a directory of sysfs has entries of, ascending. An IOMMU group may have devices that are none.
std::vector<Bdf> functions_in(const fs::path& directory) {
  std::vector<Bdf> functions;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    try {
      functions.push_back(Bdf::parse(entry.path().filename().string()));
    } catch (const UsageError&) {
    }
  }
  std::sort(functions.begin(), functions.end());
  return functions;
}

/// Any VFIO variant driver (mlx5_vfio_pci, igb_vfio_pci, ...) serves: their names all carry it.
bool is_vfio(std::string_view driver) { return driver.find("vfio") != std::string_view::npos; }

/// The address that a symbolic link ends in; nothing where there is no link, or it ends in another word.
std::optional<Bdf> link_address(const fs::path& link) {
  try {
    return Bdf::parse(link_name(link));
  } catch (const UsageError&) {
    return std::nullopt;
  }
}

/// The whole of `text` as a number of `base`.
std::optional<std::uint32_t> parse_number(std::string_view text, int base) {
  std::uint32_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return problem == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of(" \t\n"), text.size());
    if (end > 0) words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

}  // namespace

PciFunction::PciFunction(Bdf bdf, fs::path sysfs) : bdf_(bdf), sysfs_(std::move(sysfs)) {
  std::error_code error;
  if (!fs::exists(path(), error)) {
    throw Error(fmt::format("there is no PCI function {} on this host", bdf_.to_string()), "strait devices --all lists those there are");
  }
}

fs::path PciFunction::path() const { return sysfs_ / "bus/pci/devices" / bdf_.to_string(); }

std::string PciFunction::driver() const { return link_name(path() / "driver"); }

bool PciFunction::on_vfio() const { return is_vfio(driver()); }

bool is_on_vfio(const Bdf& bdf, const fs::path& sysfs) { return is_vfio(link_name(sysfs / "bus/pci/devices" / bdf.to_string() / "driver")); }

std::optional<unsigned> PciFunction::iommu_group() const {
  if (is_without_iommu(path() / "iommu_group")) return std::nullopt;
  return parse_number(link_name(path() / "iommu_group"), 10);
}

std::vector<Bdf> PciFunction::group_members() const { return functions_in(path() / "iommu_group/devices"); }

std::vector<Bdf> members_of_group(unsigned group, const fs::path& sysfs) {
  return functions_in(sysfs / "kernel/iommu_groups" / std::to_string(group) / "devices");
}

std::size_t count_iommu_groups(const fs::path& sysfs) {
  std::size_t count = 0;
  std::error_code error;
  for (const auto& group : fs::directory_iterator(sysfs / "kernel/iommu_groups", error)) count += !is_without_iommu(group.path());
  return count;
}

std::vector<Bdf> all_functions(const fs::path& sysfs) { return functions_in(sysfs / "bus/pci/devices"); }

std::vector<std::string> names_of(std::span<const Bdf> functions) {
  std::vector<std::string> names;
  for (const Bdf& bdf : functions) names.push_back(bdf.to_string());
  return names;
}

bool PciFunction::is_bridge() const { return identity().class_code.value_or(0) >> 16 == kBaseClassBridge; }

bool is_bridge(const Bdf& bdf, const fs::path& sysfs) {
  std::error_code error;
  return fs::exists(sysfs / "bus/pci/devices" / bdf.to_string(), error) && PciFunction(bdf, sysfs).is_bridge();
}

bool PciFunction::has_bus() const {
  const std::uint32_t subclass = identity().class_code.value_or(0) >> 8;
  return subclass == kPciBridge || subclass == kCardBusBridge || subclass == kSemiTransparentBridge;
}

std::string PciFunction::network_interface() const { return pf_interface(bdf_, sysfs_); }

std::optional<std::string> PciFunction::text(const char* attribute) const { return text_of(path() / attribute); }

std::optional<std::uint32_t> PciFunction::number(const char* attribute, std::uint32_t limit) const {
  const std::string content = text(attribute).value_or("");
  const bool hex = content.starts_with("0x");
  const auto value = parse_number(std::string_view(content).substr(hex ? 2 : 0), hex ? 16 : 10);
  return value && *value <= limit ? value : std::nullopt;
}

PciIdentity PciFunction::identity() const {
  return {.vendor = number("vendor", 0xffff),
          .device = number("device", 0xffff),
          .subsystem_vendor = number("subsystem_vendor", 0xffff),
          .subsystem_device = number("subsystem_device", 0xffff),
          .class_code = number("class", 0xffffff),
          .revision = number("revision", 0xff)};
}

std::string PciFunction::driver_override() const {
  const std::string name = text("driver_override").value_or("");
  return name == "(null)" ? "" : name;
}

std::optional<unsigned> PciFunction::numa_node() const { return number("numa_node"); }

std::optional<std::vector<std::string>> PciFunction::reset_methods() const {
  if (const auto names = text("reset_method")) return words_of(*names);
  std::error_code error;
  return fs::exists(path() / "reset", error) ? std::nullopt : std::optional(std::vector<std::string>());
}

std::vector<std::uint8_t> PciFunction::config() const {
  // In one read of just these: the kernel asks the device for every byte that is read, and a stream would read more.
  std::vector<std::uint8_t> bytes(kConfigSize);
  const UniqueFd file(::open((path() / "config").c_str(), O_RDONLY | O_CLOEXEC));
  const ssize_t size = file ? ::pread(file.get(), bytes.data(), bytes.size(), 0) : 0;
  bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  return bytes;
}

std::optional<Bdf> PciFunction::physical_function() const { return link_address(path() / "physfn"); }

std::optional<unsigned> PciFunction::vf_index() const {
  const auto physical = physical_function();
  std::error_code error;
  if (!physical || !fs::exists(sysfs_ / "bus/pci/devices" / physical->to_string(), error)) return std::nullopt;
  const std::vector<VirtualFunction> all = sibling(*physical).virtual_functions();
  const auto self = std::ranges::find(all, bdf_, &VirtualFunction::bdf);
  return self == all.end() ? std::nullopt : std::optional(self->index);
}

std::vector<VirtualFunction> PciFunction::virtual_functions() const {
  constexpr std::string_view kPrefix = "virtfn";
  std::vector<VirtualFunction> functions;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path(), error)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(kPrefix)) continue;
    const auto index = parse_number(std::string_view(name).substr(kPrefix.size()), 10);
    const auto bdf = link_address(entry.path());
    if (index && bdf) functions.push_back({.index = *index, .bdf = *bdf});
  }
  std::ranges::sort(functions);
  return functions;
}

std::optional<unsigned> PciFunction::sriov_total_vfs() const { return number("sriov_totalvfs", 0xffff); }

std::optional<bool> PciFunction::sriov_drivers_autoprobe() const {
  const auto value = number("sriov_drivers_autoprobe", 1);
  return value ? std::optional(*value != 0) : std::nullopt;
}

}  // namespace strait::host
