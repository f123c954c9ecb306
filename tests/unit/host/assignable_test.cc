#include "host/assignable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/fake_sysfs.h"
#include "tests/unit/error_of.h"

namespace strait::host {
namespace {

using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;

class Assignable : public testing::Test {
 protected:
  PciFunction function(const char* bdf) const { return PciFunction(Bdf::parse(bdf), sysfs_.root()); }
  std::string why_not(const char* bdf) const {
    return error_of([&] { check_assignable(function(bdf)); });
  }
  test::FakeSysfs sysfs_;
};

constexpr const char* kAssignable = "(no error)";

TEST_F(Assignable, AFunctionOnVfioAloneInItsGroupIsAssignable) {
  sysfs_.add("0000:01:10.0", "vfio-pci", 12);
  EXPECT_EQ(why_not("01:10.0"), kAssignable);
}

TEST_F(Assignable, VariantDriversOfVfioServe) {
  sysfs_.add("0000:01:10.0", "mlx5_vfio_pci", 12);
  EXPECT_EQ(why_not("01:10.0"), kAssignable);
}

TEST_F(Assignable, WithoutAnIommuItIsNot) {
  sysfs_.add("0000:01:10.0", "vfio-pci", -1);
  EXPECT_EQ(
      why_not("01:10.0"),
      "no IOMMU translates for 0000:01:10.0; enable VT-d or AMD-Vi in the firmware set-up and boot the host with intel_iommu=on "
      "(AMD needs no option)");
  sysfs_.add("0000:01:10.2", "vfio-pci", 12);
  EXPECT_EQ(why_not("01:10.0"),
            "no IOMMU translates for 0000:01:10.0; the IOMMU is on, but no unit of it is in charge of this device: take another, or put the "
            "card into another slot")
      << "others have a group";
}

TEST_F(Assignable, AHostDriverIsNamedWithItsInterfaceAndTheCommandThatTakesItAway) {
  sysfs_.add("0000:01:10.0", "igbvf", 12);
  sysfs_.add_interface("0000:01:10.0", "enp1s16");
  EXPECT_EQ(
      why_not("01:10.0"),
      "0000:01:10.0 is bound to the host driver igbvf as enp1s16; give it to vfio-pci: strait bind 0000:01:10.0");
}

TEST_F(Assignable, WithoutADriverItIsNotEither) {
  sysfs_.add("0000:01:10.0", "", 12);
  EXPECT_EQ(why_not("01:10.0"), "0000:01:10.0 is bound to no driver; give it to vfio-pci: strait bind 0000:01:10.0");
}

TEST_F(Assignable, EveryHolderOfTheGroupIsNamed) {
  sysfs_.add("0000:02:01.0", "vfio-pci", 3);
  sysfs_.add("0000:02:02.0", "e1000", 3);
  sysfs_.add("0000:02:03.0", "ahci", 3);
  EXPECT_EQ(
      why_not("02:01.0"),
      "IOMMU group 3 of 0000:02:01.0 is shared with functions that host drivers use: 0000:02:02.0 (e1000), 0000:02:03.0 (ahci); "
      "give these to vfio-pci, too: strait bind 0000:02:02.0 0000:02:03.0, or move the card to a slot with a group of its own");
}

TEST_F(Assignable, BridgesStubsAndUnboundFunctionsAreNoHolders) {
  sysfs_.add("0000:02:01.0", "vfio-pci", 3);
  sysfs_.add("0000:02:02.0", "", 3);
  sysfs_.add("0000:02:03.0", "pci-stub", 3);
  sysfs_.add("0000:02:04.0", "vfio-pci", 3);
  sysfs_.add("0000:00:1c.0", "pcieport", 3, "0x060400");
  sysfs_.add("0000:00:1d.0", "shpchp", 3, "0x060400");
  EXPECT_EQ(why_not("02:01.0"), kAssignable);
}

TEST_F(Assignable, ABridgeToIsaIsAHolderLikeAnyDevice) {
  sysfs_.add("0000:00:1f.0", "lpc_ich", 9, "0x060100");
  sysfs_.add("0000:00:1f.3", "vfio-pci", 9, "0x040300");
  EXPECT_THAT(why_not("00:1f.3"), HasSubstr("host drivers use: 0000:00:1f.0 (lpc_ich); move the card"))
      << "which the host cannot do without";
  EXPECT_THAT(why_not("00:1f.0"), HasSubstr("0000:00:1f.0 is a bridge"));
}

TEST_F(Assignable, WhatHasABusBehindItIsNot) {
  sysfs_.add("0000:00:1c.0", "pcieport", 3, "0x060400");
  EXPECT_EQ(why_not("00:1c.0"),
            "0000:00:1c.0 is a bridge, which is no device for a guest; name a device behind it; strait devices lists them");
}

TEST_F(Assignable, EveryReasonIsTold) {
  sysfs_.add("0000:01:00.0", "nouveau", 7, "0x030000");
  sysfs_.add("0000:01:00.1", "snd_hda_intel", 7, "0x040300");
  const std::vector<Blocker> blockers = assignment_blockers(function("01:00.0"));
  ASSERT_EQ(blockers.size(), 2u);
  EXPECT_EQ(blockers[0].kind, Blocker::Kind::kHostDriver);
  EXPECT_EQ(blockers[0].brief, "bound to the host driver nouveau");
  EXPECT_THAT(names_of(blockers[0].bind), ElementsAre("0000:01:00.0"));
  EXPECT_EQ(blockers[1].kind, Blocker::Kind::kSharedGroup);
  EXPECT_EQ(blockers[1].brief, "shares its group with 0000:01:00.1 (snd_hda_intel)");
  EXPECT_THAT(names_of(blockers[1].bind), ElementsAre("0000:01:00.1"));
}

/// An Error for the first, and none where there is none: the two never differ.
TEST_F(Assignable, TheErrorIsTheFirstReason) {
  sysfs_.add("0000:01:00.0", "", -1);
  const std::vector<Blocker> blockers = assignment_blockers(function("01:00.0"));
  ASSERT_EQ(blockers.size(), 2u);
  EXPECT_EQ(why_not("01:00.0"), blockers[0].message + "; " + blockers[0].remedy);
}

}  // namespace
}  // namespace strait::host
