#include "host/network_interface.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/pci_function.h"
#include "tests/fakes/fake_sysfs.h"

namespace strait::host {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// A PF in switchdev mode.
class InterfacesOfAFunction : public testing::Test {
 protected:
  InterfacesOfAFunction() { sysfs_.add("0000:01:00.0", "mlx5_core", 1); }
  void add(const std::string& name, const std::string& port) {
    sysfs_.add_interface("0000:01:00.0", name);
    sysfs_.set("0000:01:00.0", "net/" + name + "/phys_port_name", port + "\n");
  }
  std::string own() const { return pf_interface(kPf, sysfs_.root()); }

  const Bdf kPf = Bdf::parse("0000:01:00.0");
  test::FakeSysfs sysfs_;
};

TEST_F(InterfacesOfAFunction, RepresentorsAreNotItsOwn) {
  EXPECT_EQ(own(), "");
  add("eth0", "pf0vf0");
  add("eth1", "pf0sf88");
  EXPECT_EQ(own(), "");
  add("eth2", "p0");
  EXPECT_EQ(own(), "eth2");
  EXPECT_EQ(PciFunction(kPf, sysfs_.root()).network_interface(), "eth2");
  EXPECT_THAT(interfaces_of(kPf, sysfs_.root()), ElementsAre("eth0", "eth1", "eth2"));
}

TEST_F(InterfacesOfAFunction, MostDriversNameNoPorts) {
  sysfs_.add_interface("0000:01:00.0", "eth0");
  EXPECT_EQ(own(), "eth0");
}

TEST_F(InterfacesOfAFunction, AnEmptyDirectoryIsOfThoseInOtherNamespaces) {
  EXPECT_FALSE(has_interfaces_elsewhere(kPf, sysfs_.root())) << "none at all";
  sysfs_.add_interface("0000:01:00.0", "eth0");
  EXPECT_FALSE(has_interfaces_elsewhere(kPf, sysfs_.root()));
  sysfs_.move_interfaces_away("0000:01:00.0");
  EXPECT_TRUE(has_interfaces_elsewhere(kPf, sysfs_.root()));
  EXPECT_THAT(interfaces_of(kPf, sysfs_.root()), IsEmpty());
  EXPECT_FALSE(has_interfaces_elsewhere(Bdf::parse("0000:01:00.1"), sysfs_.root()));
}

/// Functions below others, as sysfs has them, with an interface at some place below each.
class InterfacesFurtherDown : public testing::Test {
 protected:
  void add(const std::string& port, const std::string& bdf, const std::string& place, const std::string& name) {
    namespace fs = std::filesystem;
    const fs::path device = fs::path("devices/pci0000:00") / port / bdf, interface = device / place / "net" / name;
    fs::create_directories(sysfs_.root() / interface);
    fs::create_directories(sysfs_.root() / "class/net");
    fs::create_symlink("../.." / interface, sysfs_.root() / "class/net" / name);
    fs::create_directories(sysfs_.root() / "bus/pci/devices");
    fs::create_symlink("../../.." / device, sysfs_.root() / "bus/pci/devices" / bdf);
  }
  std::vector<std::string> of(const char* bdf) { return interfaces_of(Bdf::parse(bdf), sysfs_.root()); }

  test::FakeSysfs sysfs_;
};

TEST_F(InterfacesFurtherDown, OneOfTheFunctionsOwnDriver) {
  add("0000:00:1c.0", "0000:01:00.0", "", "eth0");
  EXPECT_THAT(of("0000:01:00.0"), ElementsAre("eth0"));
}

TEST_F(InterfacesFurtherDown, OneOfADriverOnTopOfIt) {
  add("0000:00:1c.0", "0000:01:00.0", "virtio3", "eth0");
  add("0000:00:1d.0", "0000:02:00.0", "usb1/1-2/1-2:1.0", "usb0");
  EXPECT_THAT(of("0000:01:00.0"), ElementsAre("eth0"));
  EXPECT_THAT(of("0000:02:00.0"), ElementsAre("usb0"));
  std::filesystem::remove(sysfs_.root() / "devices/pci0000:00/0000:00:1c.0/0000:01:00.0/virtio3/net/eth0");
  EXPECT_TRUE(has_interfaces_elsewhere(Bdf::parse("0000:01:00.0"), sysfs_.root())) << "a container's";
}

TEST_F(InterfacesFurtherDown, NoneOfAFunctionBehindIt) {
  add("0000:00:1c.0", "0000:01:00.0", "", "eth0");
  sysfs_.set("0000:00:1c.0", "class", "0x060400\n");
  std::filesystem::create_symlink("../../../devices/pci0000:00/0000:00:1c.0", sysfs_.root() / "bus/pci/devices/0000:00:1c.0");
  EXPECT_THAT(of("0000:00:1c.0"), IsEmpty());
}

}  // namespace
}  // namespace strait::host
