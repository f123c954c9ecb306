#include "host/checks/function.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>

#include "tests/fakes/fake_host.h"
#include "tests/unit/error_of.h"

namespace strait::host {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

constexpr const char* kDevice = "0000:01:10.0";

class FunctionCheck : public testing::Test {
 protected:
  void attribute(const std::string& name, const std::string& text) {
    host_.sysfs(std::string("devices/pci0000:00/") + kDevice + "/" + name, text);
  }
  /// The check of that name of the function.
  Check find(const std::string& name) {
    const auto checks = check_function(host_.view(), Bdf::parse(kDevice));
    const auto found = std::ranges::find(checks, name, &Check::name);
    return found == checks.end() ? Check{.name = "no such check"} : *found;
  }
  test::FakeHost host_;
};

TEST_F(FunctionCheck, OneThatIsReadyHasNothingWrong) {
  host_.functions().add(kDevice, "vfio-pci", 12);
  host_.device("vfio/12");
  attribute("reset_method", "flr bus\n");
  for (const Check& check : check_function(host_.view(), Bdf::parse(kDevice))) EXPECT_EQ(check.status, Status::kOk) << check.name;
  EXPECT_EQ(find("group isolation").finding, "alone in group 12");
  EXPECT_EQ(find("driver").finding, "vfio-pci");
  EXPECT_EQ(find("reset").finding, "flr, bus");
  EXPECT_EQ(find("ACS above").finding, "no bridge above it");
}

TEST_F(FunctionCheck, OneThatIsNotThereIsAnError) {
  EXPECT_THAT(test::error_of([&] { check_function(host_.view(), Bdf::parse(kDevice)); }),
              HasSubstr("there is no PCI function 0000:01:10.0"));
}

TEST_F(FunctionCheck, AHostDriverIsNamedWithItsInterface) {
  host_.functions().add(kDevice, "igbvf", 12);
  host_.interface(kDevice, "eth1", true, true);
  const Check check = find("driver");
  EXPECT_EQ(check.kind, CheckKind::kDriver);
  EXPECT_EQ(check.status, Status::kFailed);
  EXPECT_EQ(check.cause, "bound to the host driver igbvf as eth1");
  EXPECT_THAT(check.remedy, HasSubstr("strait bind 0000:01:10.0"));
  EXPECT_THAT(check.remedy, HasSubstr("managed=on"));
}

TEST_F(FunctionCheck, NoDriverIsNotEnough) {
  host_.functions().add(kDevice, "", 12);
  EXPECT_EQ(find("driver").status, Status::kFailed);
  EXPECT_EQ(find("driver").finding, "none");
}

TEST_F(FunctionCheck, APfMayStayOnItsDriver) {
  host_.functions().add(kDevice, "igb", 12);
  attribute("sriov_totalvfs", "7\n");
  EXPECT_EQ(find("driver").status, Status::kNote);
  EXPECT_EQ(find("driver").finding, "igb; right while only its VFs go to guests");
}

TEST_F(FunctionCheck, ABridgeIsNoDevice) {
  host_.functions().add(kDevice, "pcieport", 12, "0x060400");
  const auto checks = check_function(host_.view(), Bdf::parse(kDevice));
  ASSERT_THAT(checks, SizeIs(1));
  EXPECT_EQ(checks[0].kind, CheckKind::kDriver);
  EXPECT_EQ(checks[0].status, Status::kFailed);
  EXPECT_EQ(checks[0].finding, "a bridge");
}

TEST_F(FunctionCheck, AFunctionInUseFails) {
  host_.functions().add(kDevice, "vfio-pci", 12);
  host_.device("vfio/12", EBUSY);
  EXPECT_EQ(find("/dev/vfio/12").finding, "in use");
  EXPECT_EQ(find("/dev/vfio/12").kind, CheckKind::kDriver);
}

TEST_F(FunctionCheck, WithoutAnIommuThereIsNoGroup) {
  host_.functions().add(kDevice, "vfio-pci", -1);
  EXPECT_EQ(find("group isolation").kind, CheckKind::kGroup);
  EXPECT_EQ(find("group isolation").status, Status::kFailed);
  EXPECT_EQ(find("group isolation").finding, "in no IOMMU group");
  EXPECT_THAT(find("group isolation").remedy, HasSubstr("no unit of it is in charge of this device")) << "others have one";
  host_.remove("kernel/iommu_groups");
  EXPECT_EQ(find("group isolation").remedy, "see IOMMU");
}

TEST_F(FunctionCheck, OthersOfTheGroupGoWithIt) {
  host_.functions().add(kDevice, "vfio-pci", 12);
  host_.functions().add("0000:01:10.2", "", 12);
  host_.functions().add("0000:00:1c.0", "pcieport", 12, "0x060400");
  EXPECT_EQ(find("group isolation").status, Status::kNote);
  EXPECT_EQ(find("group isolation").finding, "group 12 goes as a whole, with 0000:01:10.2 (no driver)");
}

TEST_F(FunctionCheck, AGroupThatTheHostUsesFails) {
  host_.functions().add(kDevice, "vfio-pci", 12);
  host_.functions().add("0000:01:10.2", "ahci", 12);
  const Check check = find("group isolation");
  EXPECT_EQ(check.status, Status::kFailed);
  EXPECT_EQ(check.finding, "group 12 is shared with functions of the host");
  EXPECT_EQ(check.cause, "shares its group with 0000:01:10.2 (ahci); the card's own functions are not kept apart");
  EXPECT_THAT(check.remedy, HasSubstr("strait bind 0000:01:10.2"));
}

class FunctionBelowABridge : public FunctionCheck {
 protected:
  /// A function in group 12 together with one of the host's, below a bridge with this configuration space.
  void below(const std::string& config) {
    namespace fs = std::filesystem;
    host_.functions().add(kDevice, "vfio-pci", 12);
    host_.functions().add("0000:01:10.2", "ahci", 12);
    const fs::path root = host_.view().sysfs, flat = root / "devices/pci0000:00" / kDevice,
                   real = root / "devices/pci0000:00/0000:00:1c.0" / kDevice;
    host_.sysfs("devices/pci0000:00/0000:00:1c.0/config", config);
    fs::rename(flat, real);
    for (const fs::path& link : {root / "bus/pci/devices" / kDevice, root / "kernel/iommu_groups/12/devices" / kDevice}) {
      fs::remove(link);
      fs::create_symlink(real, link);
    }
  }
  /// That of a root port with ACS, on or off, in the first extended capability.
  static std::string root_port(bool on) {
    std::string config(4096, '\0');
    config[0x34] = 0x40;
    config[0x40] = 0x10;
    config[0x42] = 0x42;
    config[0x100] = 0x0d;
    config[0x104] = 0x1f;
    config[0x106] = on ? 0x1d : 0;
    return config;
  }
};

TEST_F(FunctionBelowABridge, WithoutAcsItIsTheReason) {
  below(std::string(4096, '\0'));
  EXPECT_EQ(find("ACS above").status, Status::kNote);
  EXPECT_EQ(find("ACS above").finding, "none in 0000:00:1c.0");
  EXPECT_THAT(find("group isolation").cause, HasSubstr("; 0000:00:1c.0 above has no ACS"));
}

TEST_F(FunctionBelowABridge, WithAcsOffItIsTheReason) {
  below(root_port(false));
  EXPECT_EQ(find("ACS above").status, Status::kNote);
  EXPECT_EQ(find("ACS above").finding, "off in 0000:00:1c.0");
  EXPECT_THAT(find("group isolation").cause, HasSubstr("; ACS is off in 0000:00:1c.0 above"));
}

TEST_F(FunctionBelowABridge, WithAcsOnItIsNot) {
  below(root_port(true));
  EXPECT_EQ(find("ACS above").status, Status::kOk);
  EXPECT_EQ(find("ACS above").finding, "on in every bridge above it");
  EXPECT_THAT(find("group isolation").cause, HasSubstr("the card's own functions"));
}

/// As a graphics card with its audio function: VFIO resets the bus where one guest has all of it.
TEST_F(FunctionBelowABridge, WhatHasNoResetOfItsOwnMayHaveOneByItsBus) {
  below(root_port(true));
  EXPECT_EQ(find("reset").status, Status::kNote);
  EXPECT_EQ(find("reset").finding, "only together with 0000:01:10.2, by its bus");
  host_.functions().add("0000:01:11.0", "vfio-pci", 13);
  EXPECT_EQ(find("reset").finding, "only together with 0000:01:10.2, 0000:01:11.0, by its bus");
  host_.functions().add("0000:02:00.0", "ahci", 14);
  EXPECT_EQ(find("reset").status, Status::kNote) << "another bus";
  host_.functions().add("0000:01:12.0", "ahci", 15);
  EXPECT_EQ(find("reset").status, Status::kWarning) << "the host's";
}

TEST_F(FunctionBelowABridge, WhatOnlyRootMayReadIsUnknown) {
  below(std::string(64, '\0'));
  EXPECT_EQ(find("ACS above").status, Status::kUnknown);
  EXPECT_EQ(find("ACS above").finding, "only root may read it of 0000:00:1c.0");
  EXPECT_EQ(find("group isolation").cause, "shares its group with 0000:01:10.2 (ahci)");
}

TEST_F(FunctionCheck, AFunctionWithoutAResetIsAWarning) {
  host_.functions().add(kDevice, "vfio-pci", 12);
  EXPECT_EQ(find("reset").status, Status::kWarning);
  attribute("reset", "");
  EXPECT_EQ(find("reset").finding, "can be reset");
  attribute("reset_method", "\n");
  EXPECT_EQ(find("reset").status, Status::kWarning) << "the kernel tells, and has none";
}

}  // namespace
}  // namespace strait::host
