#include "host/network_interface.h"

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

}  // namespace
}  // namespace strait::host
