#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "host/bdf.h"

namespace strait::host {

/// What sysfs says of one PCI function. Reads only: binding and releasing live elsewhere. `sysfs` is the mount point, another
/// directory in tests.
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
  /// Another function of the same host. Throws Error where there is none.
  PciFunction sibling(Bdf bdf) const { return PciFunction(bdf, sysfs_); }
  /// True for a PCI bridge, which may stay in a group without a VFIO driver.
  bool is_bridge() const;
  /// A network interface of the bound host driver, empty for none.
  std::string network_interface() const;

 private:
  std::filesystem::path path() const;

  Bdf bdf_;
  std::filesystem::path sysfs_;
};

/// Whether there is such a function and it is on a VFIO driver.
bool is_on_vfio(const Bdf& bdf, const std::filesystem::path& sysfs = "/sys");

/// Throws Error, with the remedy, unless `function` and its whole group are ready for VFIO: on a vfio driver or on none, behind an IOMMU.
void check_assignable(const PciFunction& function);

}  // namespace strait::host
