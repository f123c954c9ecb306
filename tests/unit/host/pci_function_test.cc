#include "host/pci_function.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/fake_sysfs.h"
#include "tests/unit/error_of.h"

namespace strait::host {
namespace {

using test::error_of;
using testing::ElementsAre;

class PciFunctionTest : public testing::Test {
 protected:
  PciFunction function(const char* bdf) const { return PciFunction(Bdf::parse(bdf), sysfs_.root()); }
  test::FakeSysfs sysfs_;
};

TEST_F(PciFunctionTest, SysfsIsReadAsItIs) {
  sysfs_.add("0000:01:10.0", "igbvf", 12);
  sysfs_.add_interface("0000:01:10.0", "enp1s16");
  sysfs_.add("0000:01:10.2", "", 12);
  const PciFunction vf = function("01:10.0");
  EXPECT_EQ(vf.driver(), "igbvf");
  EXPECT_FALSE(vf.on_vfio());
  EXPECT_EQ(vf.iommu_group(), 12u);
  EXPECT_EQ(vf.network_interface(), "enp1s16");
  EXPECT_FALSE(vf.is_bridge());
  EXPECT_EQ(vf.group_members(), (std::vector<Bdf>{Bdf::parse("01:10.0"), Bdf::parse("01:10.2")}));
  const PciFunction other = vf.sibling(Bdf::parse("01:10.2"));
  EXPECT_EQ(other.driver(), "");
  EXPECT_EQ(other.network_interface(), "");
}

TEST_F(PciFunctionTest, OnlyAFunctionThatIsThereCanBeOnVfio) {
  sysfs_.add("0000:01:10.0", "vfio-pci", 12);
  sysfs_.add("0000:01:10.2", "igbvf", 12);
  EXPECT_TRUE(is_on_vfio(Bdf::parse("01:10.0"), sysfs_.root()));
  EXPECT_FALSE(is_on_vfio(Bdf::parse("01:10.2"), sysfs_.root()));
  EXPECT_FALSE(is_on_vfio(Bdf::parse("01:10.4"), sysfs_.root()));
}

TEST_F(PciFunctionTest, AFunctionThatIsNotThereIsAnError) {
  EXPECT_EQ(error_of([&] { function("01:10.0"); }),
            "there is no PCI function 0000:01:10.0 on this host; strait devices --all lists those there are");
}

TEST_F(PciFunctionTest, VariantDriversOfVfioServe) {
  sysfs_.add("0000:01:10.0", "mlx5_vfio_pci", 12);
  EXPECT_TRUE(function("01:10.0").on_vfio());
}

TEST_F(PciFunctionTest, BridgesAreOfManyKinds) {
  sysfs_.add("0000:00:00.0", "", 0, "0x060000");
  sysfs_.add("0000:00:1c.0", "pcieport", 1, "0x060400");
  sysfs_.add("0000:00:1f.0", "lpc_ich", 2, "0x060100");
  for (const char* bridge : {"00:00.0", "00:1c.0", "00:1f.0"}) {
    EXPECT_TRUE(function(bridge).is_bridge());
    EXPECT_EQ(function(bridge).has_bus(), std::string(bridge) == "00:1c.0");
  }
  EXPECT_FALSE(is_bridge(Bdf::parse("00:1f.3"), sysfs_.root())) << "there is none";
}

TEST_F(PciFunctionTest, ItSaysWhatItIs) {
  sysfs_.add("0000:01:00.0", "igb", 12, "0x020000");
  for (const auto& [name, text] : {std::pair{"vendor", "0x8086"}, {"device", "0x1521"}, {"subsystem_vendor", "0x8086"},
                                   {"subsystem_device", "0x0001"}, {"revision", "0x01"}, {"numa_node", "1"},
                                   {"driver_override", "vfio-pci"}, {"reset_method", "flr bus"}}) {
    sysfs_.set("0000:01:00.0", name, std::string(text) + "\n");
  }
  const PciFunction nic = function("01:00.0");
  const PciIdentity identity = nic.identity();
  EXPECT_EQ(identity.vendor, 0x8086);
  EXPECT_EQ(identity.device, 0x1521);
  EXPECT_EQ(identity.subsystem_vendor, 0x8086);
  EXPECT_EQ(identity.subsystem_device, 1);
  EXPECT_EQ(identity.class_code, 0x020000u);
  EXPECT_EQ(identity.revision, 1);
  EXPECT_EQ(nic.numa_node(), 1u);
  EXPECT_EQ(nic.driver_override(), "vfio-pci");
  EXPECT_THAT(nic.reset_methods().value(), ElementsAre("flr", "bus"));
}

TEST_F(PciFunctionTest, HowItIsResetKernelsBefore515DoNotTell) {
  sysfs_.add("0000:01:00.0", "igb", 12);
  sysfs_.set("0000:01:00.0", "reset", "");
  EXPECT_EQ(function("01:00.0").reset_methods(), std::nullopt);
  sysfs_.set("0000:01:00.0", "reset_method", "flr\n");
  EXPECT_THAT(function("01:00.0").reset_methods().value(), ElementsAre("flr"));
}

TEST_F(PciFunctionTest, WhatSysfsCallsNoneIsNone) {
  sysfs_.add("0000:01:00.0", "igb", 12);
  sysfs_.set("0000:01:00.0", "numa_node", "-1\n");
  sysfs_.set("0000:01:00.0", "driver_override", "(null)\n");
  sysfs_.set("0000:01:00.0", "reset_method", "\n");
  EXPECT_EQ(function("01:00.0").numa_node(), std::nullopt);
  EXPECT_EQ(function("01:00.0").driver_override(), "");
  EXPECT_EQ(function("01:00.0").reset_methods(), std::vector<std::string>());
}

TEST_F(PciFunctionTest, PhysicalAndVirtualFunctionsKnowEachOther) {
  sysfs_.add("0000:01:00.0", "igb", 11);
  for (unsigned i = 0; i < 11; ++i) {
    const std::string vf = "0000:01:10." + std::to_string(i % 8), far_vf = "0000:01:11." + std::to_string(i % 8);
    sysfs_.add(i < 8 ? vf : far_vf, "", 20 + static_cast<int>(i));
    sysfs_.make_vf("0000:01:00.0", i, i < 8 ? vf : far_vf);
  }
  sysfs_.set("0000:01:00.0", "sriov_totalvfs", "63\n");
  sysfs_.set("0000:01:00.0", "sriov_drivers_autoprobe", "0\n");
  const PciFunction pf = function("01:00.0");
  const auto vfs = pf.virtual_functions();
  ASSERT_EQ(vfs.size(), 11u);
  EXPECT_EQ(vfs[2], (VirtualFunction{2, Bdf::parse("01:10.2")}));
  EXPECT_EQ(vfs[10], (VirtualFunction{10, Bdf::parse("01:11.2")})) << "by number, not by name";
  EXPECT_EQ(pf.sriov_total_vfs(), 63u);
  EXPECT_EQ(pf.sriov_drivers_autoprobe(), false);
  EXPECT_EQ(pf.physical_function(), std::nullopt);
  EXPECT_EQ(pf.vf_index(), std::nullopt);
  EXPECT_EQ(function("01:11.2").physical_function(), Bdf::parse("01:00.0"));
  EXPECT_EQ(function("01:11.2").vf_index(), 10u);
}

/// Missing, empty, or not what the kernel writes: each is unknown, and none an error.
TEST_F(PciFunctionTest, WhatMakesNoSenseIsUnknown) {
  const auto expect_nothing = [](const PciFunction& odd, const std::string& content) {
    const PciIdentity identity = odd.identity();
    EXPECT_FALSE(identity.vendor || identity.device || identity.subsystem_vendor || identity.subsystem_device || identity.class_code ||
                 identity.revision)
        << content;
    EXPECT_FALSE(odd.is_bridge() || odd.has_bus() || odd.numa_node() || odd.sriov_total_vfs() || odd.sriov_drivers_autoprobe() || odd.physical_function() || odd.vf_index())
        << content;
    EXPECT_TRUE(odd.virtual_functions().empty()) << content;
  };
  sysfs_.add("0000:01:00.0", "", -1);
  std::filesystem::remove(sysfs_.root() / "bus/pci/devices/0000:01:00.0/class");
  expect_nothing(function("01:00.0"), "(missing)");
  EXPECT_EQ(function("01:00.0").reset_methods(), std::vector<std::string>()) << "sysfs has no file where there is no way";
  EXPECT_TRUE(function("01:00.0").config().empty());
  sysfs_.link("0000:01:00.0", "physfn", "../nowhere");
  sysfs_.link("0000:01:00.0", "virtfn0", "../nowhere");
  sysfs_.link("0000:01:00.0", "virtfnx", "../0000:01:10.0");
  for (const std::string& content : std::vector<std::string>{"", "\n", "x", "0x", "-1", "0x123456789", "99999999999", "12 34",
                                                             std::string("\0\xff", 2)}) {
    for (const char* name : {"vendor", "device", "subsystem_vendor", "subsystem_device", "class", "revision", "numa_node", "sriov_totalvfs",
                             "sriov_drivers_autoprobe"}) {
      sysfs_.set("0000:01:00.0", name, content);
    }
    expect_nothing(function("01:00.0"), content);
  }
}

TEST_F(PciFunctionTest, AVirtualFunctionWhoseParentIsGoneHasNoNumber) {
  sysfs_.add("0000:01:10.0", "", -1);
  sysfs_.link("0000:01:10.0", "physfn", "../0000:01:00.0");
  EXPECT_EQ(function("01:10.0").physical_function(), Bdf::parse("01:00.0"));
  EXPECT_EQ(function("01:10.0").vf_index(), std::nullopt);
}

TEST_F(PciFunctionTest, ConfigurationSpaceIsAsLongAsTheUserMayRead) {
  sysfs_.add("0000:01:00.0", "", -1);
  for (const std::size_t size : {0, 64, 256, 4096}) {
    sysfs_.set("0000:01:00.0", "config", std::string(size, 'x'));
    EXPECT_EQ(function("01:00.0").config().size(), std::min<std::size_t>(size, 256));
  }
}

TEST_F(PciFunctionTest, AllAreListedByAddress) {
  EXPECT_TRUE(all_functions(sysfs_.root()).empty());
  sysfs_.add("0000:02:00.0", "", -1);
  sysfs_.add("0000:01:10.0", "", -1);
  std::filesystem::create_directories(sysfs_.root() / "bus/pci/devices/odd");
  EXPECT_THAT(names_of(all_functions(sysfs_.root())), ElementsAre("0000:01:10.0", "0000:02:00.0"));
}

TEST_F(PciFunctionTest, AGroupThatVfioMadeWithoutAnIommuIsNone) {
  sysfs_.add("0000:01:10.0", "vfio-pci", 0);
  sysfs_.set("0000:01:10.0", "iommu_group/name", "vfio-noiommu\n");
  EXPECT_EQ(function("01:10.0").iommu_group(), std::nullopt);
}

TEST_F(PciFunctionTest, AGroupLinkThatMakesNoSenseIsNone) {
  sysfs_.add("0000:01:10.0", "vfio-pci", -1);
  sysfs_.link("0000:01:10.0", "iommu_group", "/elsewhere/unsafe");
  EXPECT_EQ(function("01:10.0").iommu_group(), std::nullopt);
  std::filesystem::remove(sysfs_.root() / "bus/pci/devices/0000:01:10.0/iommu_group");
  sysfs_.link("0000:01:10.0", "iommu_group", "/elsewhere/99999999999");
  EXPECT_EQ(function("01:10.0").iommu_group(), std::nullopt);
}

}  // namespace
}  // namespace strait::host
