#include "binding/obstacles.h"

#include "binding/disks.h"
#include "tests/unit/binding/binding_test.h"

namespace strait::binding {
namespace {

using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class ObstaclesTest : public BindingTest {
 protected:
  std::string why_not(const char* bdf, bool force = false) {
    return error_of([&] { check_bindable(host::Bdf::parse(bdf), force, host()); });
  }
  /// A disk and its partition behind 01:10.0.
  void add_disk() {
    const std::filesystem::path disk = "devices/pci0000:00/" + std::string(kBdf) + "/nvme/nvme0/nvme0n1";
    sysfs_.set(kBdf, "nvme/nvme0/nvme0n1/dev", "259:0\n");
    sysfs_.set(kBdf, "nvme/nvme0/nvme0n1/nvme0n1p1/dev", "259:1\n");
    std::filesystem::create_directories(sysfs_.root() / "class/block");
    std::filesystem::create_symlink(sysfs_.root() / disk, sysfs_.root() / "class/block/nvme0n1");
    std::filesystem::create_symlink(sysfs_.root() / disk / "nvme0n1p1", sysfs_.root() / "class/block/nvme0n1p1");
  }
  /// The disk as native NVMe multipath has it: below the subsystem, which has a link to the controller behind 01:10.0.
  void add_multipath_disk() {
    namespace fs = std::filesystem;
    const fs::path subsystem = sysfs_.root() / "devices/virtual/nvme-subsystem/nvme-subsys0";
    sysfs_.set(kBdf, "nvme/nvme0/nvme0c0n1/dev", "0:0\n");
    fs::create_directories(subsystem / "nvme0n1/nvme0n1p1");
    fs::create_symlink(sysfs_.root() / "devices/pci0000:00" / kBdf / "nvme/nvme0", subsystem / "nvme0");
    fs::create_directories(sysfs_.root() / "class/block");
    fs::create_symlink(sysfs_.root() / "devices/pci0000:00" / kBdf / "nvme/nvme0/nvme0c0n1", sysfs_.root() / "class/block/nvme0c0n1");
    fs::create_symlink(subsystem / "nvme0n1", sysfs_.root() / "class/block/nvme0n1");
    fs::create_symlink(subsystem / "nvme0n1/nvme0n1p1", sysfs_.root() / "class/block/nvme0n1p1");
  }
  static constexpr const char* kNothing = "(no error)";
};

TEST(UsesOfInterface, ALinkLocalAddressIsNone) {
  host::NetworkInterface interface;
  interface.name = "eth0";
  interface.up = interface.carrier = true;
  interface.addresses = {"fe80::5054:ff:fe12:3456/64"};
  EXPECT_THAT(uses_of(interface), IsEmpty());
}

TEST(UsesOfInterface, RouteAddressMasterAndUppersAre) {
  host::NetworkInterface interface;
  interface.name = "eth0";
  interface.default_route = true;
  interface.addresses = {"192.0.2.1/24", "2001:db8::1/64"};
  interface.master = "br0";
  interface.uppers = {"eth0.5", "macvtap0"};
  EXPECT_THAT(uses_of(interface),
              ElementsAre("eth0 has the default route", "eth0 has the address 192.0.2.1/24", "eth0 has the address 2001:db8::1/64",
                          "eth0 belongs to br0", "eth0 carries eth0.5, macvtap0"));
}

TEST_F(ObstaclesTest, AnIdleFunctionHasNone) { EXPECT_EQ(why_not(kBdf), kNothing); }

TEST_F(ObstaclesTest, AnInterfaceThatAContainerHasIsInUse) {
  sysfs_.move_interfaces_away(kBdf);
  EXPECT_EQ(why_not(kBdf),
            "0000:01:10.0 is in use on this host: its network interface is in another network namespace, such as a container's; "
            "end that use, or bind it with --force");
  EXPECT_EQ(why_not(kBdf, true), kNothing);
}

TEST_F(ObstaclesTest, AFunctionThatIsNotThereIsAnError) {
  EXPECT_THAT(why_not("09:00.0"), StartsWith("there is no PCI function 0000:09:00.0"));
}

TEST_F(ObstaclesTest, BridgesAndFunctionsWithoutAnIommuCannotBeForced) {
  kernel_.add("0000:00:1c.0", "pcieport", 3, "0x060400");
  kernel_.add("0000:02:00.0", "igb", -1);
  EXPECT_EQ(why_not("00:1c.0", true), "0000:00:1c.0 is a bridge; bind the functions behind it");
  EXPECT_THAT(why_not("02:00.0", true), StartsWith("no IOMMU translates for 0000:02:00.0; the IOMMU is on, but no unit of it is in charge"));
}

TEST_F(ObstaclesTest, WhatAProcessHasOpenCannotBeForced) {
  kernel_.add("0000:02:00.0", "vfio-pci", 20);
  EXPECT_EQ(why_not("02:00.0"), kNothing);
  kernel_.open_groups_ = {20};
  EXPECT_EQ(why_not("02:00.0", true), "0000:02:00.0 is in use: a process has /dev/vfio/20 open; end that one first");
}

TEST_F(ObstaclesTest, MountedDisksSwapAndPartsOfOthersAreUses) {
  add_disk();
  EXPECT_THAT(uses_of_disks(function(), host()), IsEmpty());
  place_.write("proc/self/mountinfo", "22 1 259:1 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p1 rw\n");
  EXPECT_THAT(uses_of_disks(function(), host()), ElementsAre("nvme0n1p1 is mounted on /"));
  place_.write("proc/self/mountinfo", "30 1 0:31 /sub /data rw - btrfs /dev/nvme0n1 rw\n");
  EXPECT_THAT(uses_of_disks(function(), host()), ElementsAre("nvme0n1 is mounted on /data"));
  place_.write("proc/self/mountinfo", "22 1 259:7 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n");
  place_.write("proc/swaps", "Filename\tType\tSize\n/dev/nvme0n1p1                          partition\t1000\n");
  EXPECT_THAT(uses_of_disks(function(), host()), ElementsAre("nvme0n1p1 is swap space"));
  place_.write("proc/swaps", "");
  std::filesystem::create_directories(sysfs_.root() / "class/block/nvme0n1/holders/dm-0");
  EXPECT_EQ(why_not(kBdf), "0000:01:10.0 is in use on this host: nvme0n1 is part of dm-0; end that use, or bind it with --force");
  EXPECT_EQ(why_not(kBdf, true), kNothing);
}

TEST_F(ObstaclesTest, DisksOfAnNvmeSubsystemAreBehindItsControllers) {
  add_multipath_disk();
  EXPECT_THAT(uses_of_disks(function(), host()), IsEmpty());
  place_.write("proc/self/mountinfo", "22 1 259:7 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p1 rw\n");
  EXPECT_THAT(uses_of_disks(function(), host()), ElementsAre("nvme0n1p1 is mounted on /"));
  kernel_.add("0000:02:00.0", "nvme", 20);
  EXPECT_THAT(uses_of_disks(host::Bdf::parse("02:00.0"), host()), IsEmpty()) << "another controller's";
}

TEST_F(ObstaclesTest, ADiskThatIsClaimedOrOpenOutOfSightIsInUse) {
  add_disk();
  kernel_.claimed_ = {"nvme0n1p1"};
  EXPECT_THAT(uses_of_disks(function(), host()), ElementsAre(HasSubstr("nvme0n1p1 is claimed by a file system or volume not seen from here")));
  kernel_.open_files_ = {"nvme0n1"};
  EXPECT_THAT(uses_of_disks(function(), host()), testing::Contains("a process has /dev/nvme0n1 open"));
  EXPECT_THAT(why_not(kBdf), HasSubstr("a process has /dev/nvme0n1 open"));
}

TEST_F(ObstaclesTest, WhatAUserSpaceDriverHasOpenCannotBeForced) {
  sysfs_.set(kBdf, "uio/uio3/name", "igb_uio\n");
  EXPECT_EQ(why_not(kBdf), kNothing);
  kernel_.open_files_ = {"uio3"};
  EXPECT_EQ(why_not(kBdf, true), "0000:01:10.0 is in use: a process has /dev/uio3 open; end that one first");
  EXPECT_EQ(user_of(function(), host(), strait::host::interface_lookup()), "by a process that has /dev/uio3 open");
}

TEST_F(ObstaclesTest, WhatAProcessHasOpenByIommufdIsInUse) {
  kernel_.add("0000:02:00.0", "vfio-pci", 20);
  sysfs_.set("0000:02:00.0", "vfio-dev/vfio0/dev", "511:0\n");
  EXPECT_EQ(why_not("02:00.0"), kNothing);
  kernel_.open_files_ = {"vfio/devices/vfio0"};
  EXPECT_THAT(why_not("02:00.0", true), HasSubstr("a process has /dev/vfio/devices/vfio0 open"));
}

/// They would be gone for good: nobody notes their settings, nor who had them.
TEST_F(ObstaclesTest, APfWithVfsCannotBeForced) {
  kernel_.add("0000:01:00.0", "igb", 11);
  sysfs_.make_vf("0000:01:00.0", 0, kBdf);
  for (const bool force : {false, true}) {
    EXPECT_EQ(why_not("01:00.0", force),
              "0000:01:00.0 has 1 VFs, which would go with its driver and not come back; remove them first: strait vf remove 0000:01:00.0");
  }
  const auto lock = Lock::take(function(), host());
  EXPECT_THAT(why_not("01:00.0", true), StartsWith("0000:01:10.0, a VF of 0000:01:00.0, is in use by strait, process "));
}

TEST_F(ObstaclesTest, APfWhoseVfAProcessHasOpenCannotBeForced) {
  kernel_.add("0000:01:00.0", "igb", 11);
  kernel_.add("0000:01:10.2", "vfio-pci", 14);
  sysfs_.make_vf("0000:01:00.0", 0, "0000:01:10.2");
  kernel_.open_groups_ = {14};
  EXPECT_THAT(why_not("01:00.0", true), StartsWith("0000:01:10.2 is in use: "));
}

}  // namespace
}  // namespace strait::binding
