#include "host/addresses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "host/pci_function.h"
#include "tests/fakes/fake_sysfs.h"
#include "tests/unit/error_of.h"

namespace strait::host {
namespace {
namespace fs = std::filesystem;

using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kVariable = "STRAIT_TEST_VFS";

class Addresses : public testing::Test {
 protected:
  Addresses() {
    sysfs_.add("0000:01:10.0", "igbvf", 12);
    sysfs_.add_interface("0000:01:10.0", "eth0");
    fs::create_directories(root() / "class/net");
    fs::create_symlink(root() / "devices/pci0000:00/0000:01:10.0/net/eth0", root() / "class/net/eth0");
    fs::create_symlink("../../../0000:01:10.0", root() / "devices/pci0000:00/0000:01:10.0/net/eth0/device");
  }
  ~Addresses() override { ::unsetenv(kVariable); }

  const fs::path& root() const { return sysfs_.root(); }
  std::vector<std::string> names(const std::string& text) const { return names_of(resolve(text, root())); }
  std::string why_not(const std::string& text) const {
    return error_of([&] { resolve(text, root()); });
  }
  /// An interface whose device is at this path below devices/.
  void add_interface_at(const std::string& device, const std::string& name) const {
    fs::create_directories(root() / "devices" / device / "net" / name);
    fs::create_symlink(root() / "devices" / device / "net" / name, root() / "class/net" / name);
  }
  test::FakeSysfs sysfs_;
};

TEST_F(Addresses, EveryFormMeansTheSame) {
  ::setenv(kVariable, "0000:01:10.0", 1);
  const std::string forms[] = {"0000:01:10.0",
                               "01:10.0",
                               "eth0",
                               "/sys/bus/pci/devices/0000:01:10.0",
                               root() / "bus/pci/devices/0000:01:10.0/",
                               root() / "class/net/eth0",
                               root() / "class/net/eth0/device",
                               root() / "devices/pci0000:00/0000:01:10.0/net/eth0",
                               root() / "devices/pci0000:00/0000:01:10.0/class",
                               "pci_0000_01_10_0",
                               std::string("env:") + kVariable,
                               "group:12"};
  for (const std::string& form : forms) {
    EXPECT_THAT(names(form), ElementsAre("0000:01:10.0")) << form;
    EXPECT_EQ(resolve_one(form, root()).to_string(), "0000:01:10.0") << form;
  }
}

TEST_F(Addresses, WhatStandsAsAnAddressNeedNotBeThere) {
  EXPECT_THAT(names("ff:1f.7"), ElementsAre("0000:ff:1f.7"));
  EXPECT_THAT(names("pci_10000_e1_00_0"), ElementsAre("10000:e1:00.0")) << "VMD's domains have five digits";
}

TEST_F(Addresses, AVirtualFunctionIsReachedThroughItsParent) {
  sysfs_.add("0000:01:00.0", "igb", 11);
  fs::create_symlink("../0000:01:10.0", root() / "devices/pci0000:00/0000:01:00.0/virtfn0");
  EXPECT_THAT(names(root() / "bus/pci/devices/0000:01:00.0/virtfn0"), ElementsAre("0000:01:10.0"));
}

TEST_F(Addresses, AVirtioInterfaceIsThatOfItsFunction) {
  add_interface_at("pci0000:00/0000:00:03.0/virtio0", "ens3");
  EXPECT_THAT(names("ens3"), ElementsAre("0000:00:03.0"));
}

TEST_F(Addresses, AVariableMayHoldSeveralInItsOrder) {
  ::setenv(kVariable, "0000:01:10.2,01:10.0", 1);
  EXPECT_THAT(names("env:STRAIT_TEST_VFS"), ElementsAre("0000:01:10.2", "0000:01:10.0"));
  EXPECT_EQ(error_of([&] { resolve_one("env:STRAIT_TEST_VFS", root()); }),
            "env:STRAIT_TEST_VFS stands for 2 functions: 0000:01:10.2, 0000:01:10.0; name one of them");
}

TEST_F(Addresses, AVariableThatHoldsNoneIsAnError) {
  EXPECT_EQ(why_not("env:STRAIT_TEST_VFS"), "env:STRAIT_TEST_VFS: the environment variable is not set; "
                                            "check that the container asks for this resource of the device plug-in");
  EXPECT_THAT(why_not("env:"), HasSubstr("is not set"));
  ::setenv(kVariable, "", 1);
  EXPECT_THAT(why_not("env:STRAIT_TEST_VFS"), HasSubstr("is empty"));
  ::setenv(kVariable, "01:10.0,card", 1);
  EXPECT_EQ(why_not("env:STRAIT_TEST_VFS"), "env:STRAIT_TEST_VFS: 'card' in its value '01:10.0,card' is no PCI address; "
                                            "it must hold addresses such as 0000:01:10.0, separated by commas");
  ::setenv(kVariable, "01:10.0,", 1);
  EXPECT_THAT(why_not("env:STRAIT_TEST_VFS"), HasSubstr("'' in its value"));
}

TEST_F(Addresses, TheCompanionVariableIsRefused) {
  EXPECT_EQ(why_not("env:PCIDEVICE_INTEL_COM_VFS_INFO"),
            "env:PCIDEVICE_INTEL_COM_VFS_INFO: variables of this kind hold a description, no addresses; "
            "name the one without _INFO, env:PCIDEVICE_INTEL_COM_VFS");
}

TEST_F(Addresses, AGroupIsAllOfItsFunctionsButBridges) {
  sysfs_.add("0000:00:1c.0", "pcieport", 12, "0x060400");
  sysfs_.add("0000:01:10.2", "", 12);
  fs::create_directories(root() / "kernel/iommu_groups/12/devices/no-pci-device");
  EXPECT_THAT(names("group:12"), ElementsAre("0000:01:10.0", "0000:01:10.2"));
}

TEST_F(Addresses, AGroupWithNothingToAssignIsAnError) {
  sysfs_.add("0000:00:1c.0", "pcieport", 3, "0x060400");
  EXPECT_EQ(why_not("group:3"), "IOMMU group 3 has only bridges: 0000:00:1c.0; name a group with a device; strait devices lists them");
  EXPECT_EQ(why_not("group:4"), "there is no IOMMU group 4 on this host; strait devices lists those there are");
  for (const char* form : {"group:", "group:x", "group:-1", "group:1x", "group:99999999999"}) {
    EXPECT_THAT(why_not(form), HasSubstr("no number of an IOMMU group; strait devices lists the groups")) << form;
  }
}

TEST_F(Addresses, InterfacesOfOtherBusesHaveNoFunction) {
  add_interface_at("virtual", "br0");
  EXPECT_THAT(why_not("br0"), StartsWith("br0 belongs to no PCI function: it is "));
  add_interface_at("pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0", "enx0");
  EXPECT_THAT(why_not("enx0"), HasSubstr("usb1/1-1/1-1:1.0/net/enx0; strait devices lists those there are"));
}

TEST_F(Addresses, APathThatLeadsNowhereIsNamed) {
  EXPECT_THAT(why_not("/nonexistent/card"), StartsWith("/nonexistent/card: No such file or directory; write it as 0000:01:10.0, "));
  EXPECT_THAT(why_not(root() / "class"), HasSubstr("belongs to no PCI function"));
}

TEST_F(Addresses, OtherWordsAreUsageErrorsThatShowTheForms) {
  for (const char* form : {"", ".", "..", "eth1", "01:10", "01:10.8", "pci_0000_01_10", "pci_0000_01_10_0_0", "pci_0000_01_20_0", "0x1"}) {
    EXPECT_EQ(error_of<UsageError>([&] { resolve(form, root()); }),
              std::string("'") + form +
                  "' is no PCI address, and no network interface has that name; write it as 0000:01:10.0, 01:10.0, pci_0000_01_10_0, "
                  "a path in /sys, the name of a network interface, env:VARIABLE or group:N");
  }
}

}  // namespace
}  // namespace strait::host
