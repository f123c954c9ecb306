#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/bdf.h"

namespace strait::host {

/// What a function says it is. A number that sysfs does not have, or that is none, is unknown.
struct PciIdentity {
  std::optional<std::uint16_t> vendor, device, subsystem_vendor, subsystem_device;
  std::optional<std::uint32_t> class_code;  ///< base class, subclass and programming interface: 0xBBSSPP
  std::optional<std::uint8_t> revision;
};

/// One of the functions that an SR-IOV physical function has made.
struct VirtualFunction {
  unsigned index = 0;  ///< as `ip link set PF vf INDEX` counts
  Bdf bdf;

  friend auto operator<=>(const VirtualFunction&, const VirtualFunction&) = default;
};

/// What sysfs says of one PCI function. Reads only: binding and releasing live elsewhere. A file that is missing, empty or makes no sense
/// means "unknown", never an error. `sysfs` is the mount point, another directory in tests.
class PciFunction {
 public:
  /// Throws Error where there is no such function.
  explicit PciFunction(Bdf bdf, std::filesystem::path sysfs = "/sys");

  const Bdf& bdf() const { return bdf_; }
  /// The bound driver's name, empty for none.
  std::string driver() const;
  /// True where that is vfio-pci, or a driver that a vendor made in its place.
  bool on_vfio() const;
  /// The IOMMU group's number; nothing where no IOMMU translates for the function.
  std::optional<unsigned> iommu_group() const;
  /// Every function of the same IOMMU group, this one included.
  std::vector<Bdf> group_members() const;
  const std::filesystem::path& sysfs() const { return sysfs_; }
  /// Another function of the same host. Throws Error where there is none.
  PciFunction sibling(Bdf bdf) const { return PciFunction(bdf, sysfs_); }
  /// True for a bridge of any kind: to PCI, to ISA, the host's.
  bool is_bridge() const;
  /// True for one that has a bus behind it. It may stay in a group without a VFIO driver, and can have none.
  bool has_bus() const;
  /// The network interface that is the function's own (pf_interface()), empty for none.
  std::string network_interface() const;

  PciIdentity identity() const;
  /// The only driver that may be bound; empty where any may. Waits while a driver is being bound to the function, or unbound from it.
  std::string driver_override() const;
  /// The node of memory and processors that it is closest to; nothing where the host has only one or does not say.
  std::optional<unsigned> numa_node() const;
  /// The names that the kernel has for its ways of resetting the function, the one that it prefers first; none where there is no way: then
  /// sysfs has no file about it. Nothing where there is one, and the kernel does not tell which (before Linux 5.15).
  std::optional<std::vector<std::string>> reset_methods() const;
  /// The first 256 bytes of configuration space, or as many of them as the user may read: 64 where that is not root. Empty where none.
  std::vector<std::uint8_t> config() const;

  /// The physical function that made this one, which is a virtual one; nothing otherwise.
  std::optional<Bdf> physical_function() const;
  /// Which of the physical function's this is; nothing where it is no virtual function.
  std::optional<unsigned> vf_index() const;
  /// Those that there are, by index.
  std::vector<VirtualFunction> virtual_functions() const;
  /// How many there can be; nothing where the function has no SR-IOV.
  std::optional<unsigned> sriov_total_vfs() const;
  /// Whether host drivers are bound to those that are made.
  std::optional<bool> sriov_drivers_autoprobe() const;

 private:
  std::filesystem::path path() const;
  /// An attribute's text; nothing where it cannot be read.
  std::optional<std::string> text(const char* attribute) const;
  /// The number that it is in decimal, or with 0x in hexadecimal; nothing where it is none, or above `limit`.
  std::optional<std::uint32_t> number(const char* attribute, std::uint32_t limit = 0xffffffff) const;

  Bdf bdf_;
  std::filesystem::path sysfs_;
};

/// Whether there is such a function and it is on a VFIO driver.
bool is_on_vfio(const Bdf& bdf, const std::filesystem::path& sysfs = "/sys");
/// Whether there is such a function and it is a bridge of any kind.
bool is_bridge(const Bdf& bdf, const std::filesystem::path& sysfs = "/sys");
/// The functions of an IOMMU group, ascending; none where there is no such group.
std::vector<Bdf> members_of_group(unsigned group, const std::filesystem::path& sysfs = "/sys");
/// How many groups there are that an IOMMU translates for; those of VFIO's mode without an IOMMU do not count.
std::size_t count_iommu_groups(const std::filesystem::path& sysfs = "/sys");
/// Their addresses as text.
std::vector<std::string> names_of(std::span<const Bdf> functions);

/// Every function of the host, ascending.
std::vector<Bdf> all_functions(const std::filesystem::path& sysfs = "/sys");

}  // namespace strait::host
