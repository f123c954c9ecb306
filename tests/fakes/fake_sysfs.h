#pragma once

#include <string>

#include "host/bdf.h"
#include "tests/fakes/temporary_directory.h"

namespace strait::test {

/// A directory that looks like /sys as far as PCI functions go.
class FakeSysfs {
 public:
  /// A function of IOMMU group `group` (-1 for none), bound to `driver` (empty for none).
  void add(const std::string& bdf, const std::string& driver, int group, const std::string& device_class = "0x020000") {
    namespace fs = std::filesystem;
    const fs::path real = root() / "devices/pci0000:00" / bdf;
    fs::create_directories(real);
    fs::create_directories(root() / "bus/pci/devices");
    fs::create_symlink(real, root() / "bus/pci/devices" / bdf);
    directory_.write("devices/pci0000:00/" + bdf + "/class", device_class + "\n");
    if (!driver.empty()) {
      fs::create_directories(root() / "bus/pci/drivers" / driver);
      fs::create_symlink(root() / "bus/pci/drivers" / driver, real / "driver");
    }
    if (group >= 0) {
      const fs::path members = root() / "kernel/iommu_groups" / std::to_string(group) / "devices";
      fs::create_directories(members);
      fs::create_symlink(real, members / bdf);
      fs::create_symlink(members.parent_path(), real / "iommu_group");
    }
  }
  void add_interface(const std::string& bdf, const std::string& name) {
    std::filesystem::create_directories(root() / "devices/pci0000:00" / bdf / "net" / name);
  }
  /// The function's interfaces are in other network namespaces.
  void move_interfaces_away(const std::string& bdf) {
    const std::filesystem::path net = root() / "devices/pci0000:00" / bdf / "net";
    std::filesystem::remove_all(net);
    std::filesystem::create_directory(net);
  }

  /// Writes an attribute of a function as it stands.
  void set(const std::string& bdf, const std::string& attribute, const std::string& content) {
    directory_.write("devices/pci0000:00/" + bdf + "/" + attribute, content);
  }
  void link(const std::string& bdf, const std::string& name, const std::string& target) {
    std::filesystem::create_symlink(target, root() / "devices/pci0000:00" / bdf / name);
  }
  /// Makes the function `vf` the virtual function `index` of `pf`.
  void make_vf(const std::string& pf, unsigned index, const std::string& vf) {
    link(pf, "virtfn" + std::to_string(index), "../" + vf);
    link(vf, "physfn", "../" + pf);
  }

  const std::filesystem::path& root() const { return directory_.path(); }

 private:
  TemporaryDirectory directory_;
};

}  // namespace strait::test
