#include "host/pci_function.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/fake_sysfs.h"
#include "tests/unit/error_of.h"

namespace strait::host {
namespace {

using test::error_of;
using testing::HasSubstr;
using testing::StartsWith;

class PciFunctionTest : public testing::Test {
 protected:
  PciFunction function(const char* bdf) const { return PciFunction(Bdf::parse(bdf), sysfs_.root()); }
  std::string why_not(const char* bdf) const {
    return error_of([&] { check_assignable(function(bdf)); });
  }
  test::FakeSysfs sysfs_;
};

constexpr const char* kAssignable = "(no error)";

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
            "there is no PCI function 0000:01:10.0 on this host; lspci -D lists those there are");
}

TEST_F(PciFunctionTest, AFunctionOnVfioAloneInItsGroupIsAssignable) {
  sysfs_.add("0000:01:10.0", "vfio-pci", 12);
  EXPECT_EQ(why_not("01:10.0"), kAssignable);
}

TEST_F(PciFunctionTest, VariantDriversOfVfioServe) {
  sysfs_.add("0000:01:10.0", "mlx5_vfio_pci", 12);
  EXPECT_TRUE(function("01:10.0").on_vfio());
  EXPECT_EQ(why_not("01:10.0"), kAssignable);
}

TEST_F(PciFunctionTest, WithoutAnIommuItIsNot) {
  sysfs_.add("0000:01:10.0", "vfio-pci", -1);
  EXPECT_EQ(
      why_not("01:10.0"),
      "no IOMMU translates for 0000:01:10.0; enable VT-d or AMD-Vi in the firmware set-up and boot the host with intel_iommu=on "
      "(AMD needs no option)");
}

TEST_F(PciFunctionTest, AHostDriverIsNamedWithItsInterfaceAndTheCommandsThatTakeItAway) {
  sysfs_.add("0000:01:10.0", "igbvf", 12);
  sysfs_.add_interface("0000:01:10.0", "enp1s16");
  EXPECT_EQ(
      why_not("01:10.0"),
      "0000:01:10.0 is bound to the host driver igbvf as enp1s16; give it to vfio-pci: modprobe vfio-pci; "
      "echo vfio-pci > /sys/bus/pci/devices/0000:01:10.0/driver_override; "
      "echo 0000:01:10.0 > /sys/bus/pci/devices/0000:01:10.0/driver/unbind; echo 0000:01:10.0 > /sys/bus/pci/drivers_probe");
}

TEST_F(PciFunctionTest, WithoutADriverThereIsNothingToUnbind) {
  sysfs_.add("0000:01:10.0", "", 12);
  EXPECT_THAT(why_not("01:10.0"), StartsWith("0000:01:10.0 is bound to no driver; give it to vfio-pci: "));
  EXPECT_EQ(why_not("01:10.0").find("unbind"), std::string::npos);
}

TEST_F(PciFunctionTest, EveryHolderOfTheGroupIsNamed) {
  sysfs_.add("0000:02:01.0", "vfio-pci", 3);
  sysfs_.add("0000:02:02.0", "e1000", 3);
  sysfs_.add("0000:02:03.0", "ahci", 3);
  EXPECT_EQ(
      why_not("02:01.0"),
      "IOMMU group 3 of 0000:02:01.0 is shared with functions that host drivers use: 0000:02:02.0 (e1000), 0000:02:03.0 (ahci); "
      "release them from their drivers, or move the card to a slot with a group of its own");
}

TEST_F(PciFunctionTest, BridgesStubsAndUnboundFunctionsAreNoHolders) {
  sysfs_.add("0000:02:01.0", "vfio-pci", 3);
  sysfs_.add("0000:02:02.0", "", 3);
  sysfs_.add("0000:02:03.0", "pci-stub", 3);
  sysfs_.add("0000:02:04.0", "vfio-pci", 3);
  sysfs_.add("0000:00:1c.0", "pcieport", 3, "0x060400");
  sysfs_.add("0000:00:1d.0", "shpchp", 3, "0x060400");
  EXPECT_EQ(why_not("02:01.0"), kAssignable);
}

TEST_F(PciFunctionTest, AGroupLinkThatMakesNoSenseIsNone) {
  sysfs_.add("0000:01:10.0", "vfio-pci", -1);
  std::filesystem::create_symlink("/elsewhere/unsafe", sysfs_.root() / "devices/pci0000:00/0000:01:10.0/iommu_group");
  EXPECT_EQ(function("01:10.0").iommu_group(), std::nullopt);
}

}  // namespace
}  // namespace strait::host
