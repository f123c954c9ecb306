#include "host/checks/sriov.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>

#include "tests/fakes/fake_host.h"

namespace strait::host {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kPf = "0000:01:00.0";

class SriovCheck : public testing::Test {
 protected:
  void add_pf(const std::string& driver) {
    host_.functions().add(kPf, driver, 1);
    host_.sysfs(std::string("devices/pci0000:00/") + kPf + "/sriov_totalvfs", "7\n");
  }
  void add_vf(unsigned index, const std::string& bdf, const std::string& driver) {
    namespace fs = std::filesystem;
    host_.functions().add(bdf, driver, static_cast<int>(10 + index));
    const fs::path devices = host_.view().sysfs / "devices/pci0000:00";
    fs::create_symlink("../" + bdf, devices / kPf / ("virtfn" + std::to_string(index)));
    fs::create_symlink(std::string("../") + kPf, devices / bdf / "physfn");
  }
  Check find(const std::string& bdf, const std::string& name) {
    const auto checks = check_sriov(host_.view(), PciFunction(Bdf::parse(bdf), host_.view().sysfs));
    const auto found = std::ranges::find(checks, name, &Check::name);
    return found == checks.end() ? Check{.name = "no such check"} : *found;
  }
  test::FakeHost host_;
};

TEST_F(SriovCheck, OtherFunctionsHaveNothingToDoWithIt) {
  host_.functions().add(kPf, "ahci", 1);
  EXPECT_THAT(check_sriov(host_.view(), PciFunction(Bdf::parse(kPf), host_.view().sysfs)), IsEmpty());
}

TEST_F(SriovCheck, APfWithoutVfsComesWithTheCommandThatMakesThem) {
  add_pf("igb");
  const Check check = find(kPf, "VFs");
  EXPECT_EQ(check.kind, CheckKind::kLink);
  EXPECT_EQ(check.status, Status::kWarning);
  EXPECT_EQ(check.finding, "none made, 7 possible");
  EXPECT_EQ(check.remedy, "strait vf create 0000:01:00.0 7");
}

TEST_F(SriovCheck, FreeVfsAreNeitherOpenNorUp) {
  add_pf("igb");
  add_vf(0, "0000:01:10.0", "vfio-pci");
  add_vf(1, "0000:01:10.2", "vfio-pci");
  add_vf(2, "0000:01:10.4", "igbvf");
  add_vf(3, "0000:01:10.6", "igbvf");
  add_vf(4, "0000:01:11.0", "");
  host_.device("vfio/10", EBUSY);
  host_.device("vfio/11");
  host_.interface("0000:01:10.4", "eth2", true, true);
  host_.interface("0000:01:10.6", "eth3", false, false);
  EXPECT_EQ(find(kPf, "VFs").status, Status::kOk);
  EXPECT_EQ(find(kPf, "VFs").finding, "3 of 5 free, 7 possible");
}

TEST_F(SriovCheck, AVfOfAContainerOrOfAnotherStraitIsNotFree) {
  add_pf("igb");
  add_vf(0, "0000:01:10.0", "igbvf");
  add_vf(1, "0000:01:10.2", "igbvf");
  add_vf(2, "0000:01:10.4", "vfio-pci");
  host_.functions().move_interfaces_away("0000:01:10.0");
  host_.functions().add_interface("0000:01:10.2", "eth3");  // sysfs is another namespace's
  host_.view().holder = [](const Bdf& bdf) { return bdf == Bdf::parse("01:10.4") ? "strait, process 4711" : ""; };
  host_.view().open_device = [](const auto& path) {
    ADD_FAILURE() << path << " was opened";
    return OpenedDevice{};
  };
  EXPECT_EQ(find(kPf, "VFs").status, Status::kWarning);
  EXPECT_EQ(find(kPf, "VFs").finding, "0 of 3 free, 7 possible");
  EXPECT_EQ(find(kPf, "VFs").cause, "each is a guest's, or an interface that is up or in another network namespace");
}

TEST_F(SriovCheck, WhetherAVfIsFreeMayBeForOthersToKnow) {
  add_pf("igb");
  add_vf(0, "0000:01:10.0", "vfio-pci");
  host_.device("vfio/10", EACCES);
  EXPECT_EQ(find(kPf, "VFs").status, Status::kUnknown);
  EXPECT_EQ(find(kPf, "VFs").finding, "0 of 1 free, 7 possible; of 1 user alice cannot know");
  add_vf(1, "0000:01:10.2", "");
  EXPECT_EQ(find(kPf, "VFs").status, Status::kOk);
  EXPECT_EQ(find(kPf, "VFs").finding, "1 of 2 free, 7 possible; of 1 user alice cannot know");
}

TEST_F(SriovCheck, NoFreeVfIsAWarning) {
  add_pf("igb");
  add_vf(0, "0000:01:10.0", "vfio-pci");
  host_.device("vfio/10", EBUSY);
  EXPECT_EQ(find(kPf, "VFs").status, Status::kWarning);
  EXPECT_THAT(find(kPf, "VFs").remedy, HasSubstr("strait vf create"));
  host_.sysfs(std::string("devices/pci0000:00/") + kPf + "/sriov_totalvfs", "1\n");
  EXPECT_EQ(find(kPf, "VFs").remedy, "end one of those guests, or take that interface down");
}

TEST_F(SriovCheck, ThePfsLinkIsThatOfItsVfs) {
  add_pf("igb");
  add_vf(0, "0000:01:10.0", "vfio-pci");
  host_.interface(kPf, "eth1", true, true);
  for (const char* function : {kPf, "0000:01:10.0"}) {
    EXPECT_EQ(find(function, "PF's link").status, Status::kOk);
    EXPECT_EQ(find(function, "PF's link").finding, "eth1 (0000:01:00.0) is up");
  }
  host_.interface(kPf, "eth1", true, false);
  EXPECT_EQ(find(kPf, "PF's link").status, Status::kWarning);
  EXPECT_EQ(find(kPf, "PF's link").finding, "eth1 (0000:01:00.0) is up, without a carrier");
  host_.interface(kPf, "eth1", false, false);
  EXPECT_EQ(find("0000:01:10.0", "PF's link").status, Status::kFailed);
  EXPECT_EQ(find("0000:01:10.0", "PF's link").remedy, "ip link set eth1 up");
}

TEST_F(SriovCheck, WithADriverWhoseFirmwareRunsTheLinkAPfMayBeDown) {
  add_pf("mlx5_core");
  host_.interface(kPf, "eth1", false, false);
  EXPECT_EQ(find(kPf, "PF's link").status, Status::kWarning);
  EXPECT_EQ(find(kPf, "PF's link").finding, "eth1 (0000:01:00.0) is down");
  EXPECT_EQ(find(kPf, "PF's link").cause, "with many drivers its VFs have no link while it is down");
}

TEST_F(SriovCheck, ThePfsInterfaceIsNoRepresentor) {
  add_pf("mlx5_core");
  host_.interface(kPf, "eth0", false, false);
  host_.functions().set(kPf, "net/eth0/phys_port_name", "pf0vf0\n");
  host_.interface(kPf, "eth1", true, true);
  EXPECT_EQ(find(kPf, "PF's link").finding, "eth1 (0000:01:00.0) is up");
}

TEST_F(SriovCheck, AnInterfaceOfAnotherNamespaceIsUnknown) {
  add_pf("igb");
  host_.functions().add_interface(kPf, "eth1");
  EXPECT_EQ(find(kPf, "PF's link").status, Status::kUnknown);
  host_.functions().move_interfaces_away(kPf);
  EXPECT_EQ(find(kPf, "PF's link").status, Status::kUnknown);
  EXPECT_EQ(find(kPf, "PF's link").finding, "the interface of PF 0000:01:00.0 is in another network namespace");
}

TEST_F(SriovCheck, APfOfOtherKindHasNoLink) {
  add_pf("nvme");
  EXPECT_EQ(find(kPf, "PF's link").status, Status::kNote);
}

TEST_F(SriovCheck, AVfNeedsItsPfsDriver) {
  add_pf("");
  add_vf(0, "0000:01:10.0", "vfio-pci");
  EXPECT_EQ(find("0000:01:10.0", "PF's link").status, Status::kFailed);
  EXPECT_EQ(find("0000:01:10.0", "PF's link").finding, "PF 0000:01:00.0 has no driver");
  EXPECT_EQ(find(kPf, "PF's link").name, "no such check") << "its driver check says so";
}

TEST_F(SriovCheck, APfThatIsAGuestsRulesItsVfs) {
  add_pf("vfio-pci");
  add_vf(0, "0000:01:10.0", "vfio-pci");
  EXPECT_EQ(find("0000:01:10.0", "PF's link").status, Status::kWarning);
  EXPECT_EQ(find("0000:01:10.0", "PF's link").remedy, "strait release 0000:01:00.0");
  EXPECT_THAT(check_sriov(host_.view(), PciFunction(Bdf::parse(kPf), host_.view().sysfs)), IsEmpty());
}

}  // namespace
}  // namespace strait::host
