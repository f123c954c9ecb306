#include "vmm/device_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "tests/fakes/fake_sysfs.h"
#include "tests/unit/error_of.h"
#include "vmm/device_places.h"

namespace strait {
namespace {

using test::error_of;
using testing::ElementsAre;

class DeviceGroups : public testing::Test {
 protected:
  std::vector<DeviceSpec> expanded(std::initializer_list<const char*> texts) const {
    std::vector<DeviceSpec> devices;
    for (const char* text : texts) devices.push_back(DeviceSpec::parse(text));
    return expand_groups(devices, sysfs_.root());
  }
  /// "HOST at GUEST" of each.
  std::vector<std::string> places(std::initializer_list<const char*> texts) const {
    std::vector<DeviceSpec> devices = expanded(texts);
    place_devices(devices);
    std::vector<std::string> list;
    for (const DeviceSpec& device : devices) {
      list.push_back(fmt::format("{} at {:x}.{}", device.bdf.to_string(), device.address.slot, device.address.function));
    }
    return list;
  }
  /// A graphics card with its audio and USB functions.
  void add_card() {
    sysfs_.add("0000:01:00.0", "vfio-pci", 7, "0x030000");
    sysfs_.add("0000:01:00.1", "vfio-pci", 7, "0x040300");
    sysfs_.add("0000:01:00.2", "vfio-pci", 7, "0x0c0330");
  }

  test::FakeSysfs sysfs_;
};

TEST_F(DeviceGroups, WithoutTheKeyOnlyTheDeviceItself) {
  add_card();
  EXPECT_THAT(places({"01:00.1"}), ElementsAre("0000:01:00.1 at 1.0"));
}

TEST_F(DeviceGroups, FunctionsOfOneSlotStayTogetherWhicheverIsNamed) {
  add_card();
  for (const char* named : {"01:00.0,group=on", "01:00.2,group=on"}) {
    EXPECT_THAT(places({named}), ElementsAre("0000:01:00.0 at 1.0", "0000:01:00.1 at 1.1", "0000:01:00.2 at 1.2"));
  }
}

TEST_F(DeviceGroups, BridgesAndWhatIsNotOnVfioStayBehind) {
  sysfs_.add("0000:00:1c.0", "pcieport", 7, "0x060400");
  sysfs_.add("0000:02:00.0", "", 7);
  sysfs_.add("0000:03:00.0", "mlx5_vfio_pci", 7);
  add_card();
  EXPECT_THAT(places({"01:00.0,group=on"}),
              ElementsAre("0000:01:00.0 at 1.0", "0000:01:00.1 at 1.1", "0000:01:00.2 at 1.2", "0000:03:00.0 at 2.0"));
}

TEST_F(DeviceGroups, ARunThatManagesTheGroupTakesWhateverDriverItHas) {
  sysfs_.add("0000:01:00.0", "nouveau", 7, "0x030000");
  sysfs_.add("0000:01:00.1", "snd_hda_intel", 7, "0x040300");
  EXPECT_THAT(places({"01:00.1,group=on,managed=on"}), ElementsAre("0000:01:00.0 at 1.0", "0000:01:00.1 at 1.1"));
}

TEST_F(DeviceGroups, OfVfsOnlyANumberCanComeTwice) {
  EXPECT_EQ(expanded({"vf=01:00.0:any", "vf=01:00.0:any", "vf=01:00.0:1", "vf=01:00.0:2", "vf=02:00.0:1"}).size(), 5u);
  EXPECT_EQ(error_of<UsageError>([&] { expanded({"vf=01:00.0:1", "vf=0000:01:00.0:1"}); }),
            "--device vf=0000:01:00.0:1 is given twice; name each device once, and none that another brings along by group=on");
}

TEST_F(DeviceGroups, TheNamedOneIsNeverLeftOut) {
  sysfs_.add("0000:01:00.0", "nouveau", 7, "0x030000");
  sysfs_.add("0000:01:00.1", "vfio-pci", 7, "0x040300");
  EXPECT_THAT(places({"01:00.0,group=on"}), ElementsAre("0000:01:00.0 at 1.0", "0000:01:00.1 at 1.1"))
      << "so that its driver is complained of";
  sysfs_.add("0000:02:00.0", "vfio-pci", -1);
  EXPECT_THAT(places({"02:00.0,group=on"}), ElementsAre("0000:02:00.0 at 1.0")) << "and its missing IOMMU";
}

TEST_F(DeviceGroups, TheLowestOfASlotIsFunctionZero) {
  sysfs_.add("0000:01:10.1", "vfio-pci", 9);
  sysfs_.add("0000:01:10.3", "vfio-pci", 9);
  sysfs_.add("0000:01:11.1", "vfio-pci", 9);
  EXPECT_THAT(places({"01:10.1,group=on"}), ElementsAre("0000:01:10.1 at 1.0", "0000:01:10.3 at 1.3", "0000:01:11.1 at 2.0"));
}

TEST_F(DeviceGroups, TheAddressIsForTheSlotOfTheNamedOne) {
  sysfs_.add("0000:00:1f.3", "vfio-pci", 7);
  add_card();
  EXPECT_THAT(places({"05:00.0", "01:00.1,group=on,addr=9"}),
              ElementsAre("0000:05:00.0 at 1.0", "0000:00:1f.3 at 2.0", "0000:01:00.0 at 9.0", "0000:01:00.1 at 9.1",
                          "0000:01:00.2 at 9.2"));
}

TEST_F(DeviceGroups, KeysAreForAllButTheRomFile) {
  add_card();
  const auto devices = expanded({"01:00.1,group=on,mmap=off,romfile=rom"});
  ASSERT_EQ(devices.size(), 3u);
  for (const DeviceSpec& device : devices) {
    EXPECT_FALSE(device.direct);
    EXPECT_EQ(device.rom_file, device.bdf.function == 1 ? "rom" : "");
  }
}

TEST_F(DeviceGroups, AMacAddressIsForOneFunction) {
  sysfs_.add("0000:01:10.0", "igbvf", 9);
  EXPECT_TRUE(expanded({"01:10.0,group=on,managed=on,mac=02:00:00:00:00:01"})[0].vf_settings.mac);
  sysfs_.add("0000:01:10.2", "igbvf", 9);
  EXPECT_EQ(error_of<UsageError>([&] { expanded({"01:10.0,group=on,managed=on,mac=02:00:00:00:00:01"}); }),
            "--device 0000:01:10.0,group=on,mac=: its group has 0000:01:10.0, 0000:01:10.2, and an address is one function's; "
            "name each function with its own");
  for (const DeviceSpec& device : expanded({"01:10.0,group=on,managed=on,vlan=7"})) EXPECT_EQ(device.vf_settings.vlan, 7u);
}

TEST_F(DeviceGroups, AFunctionComesOnce) {
  add_card();
  constexpr const char* kMessage =
      "--device 0000:01:00.1 is given twice; name each device once, and none that another brings along by group=on";
  EXPECT_EQ(error_of<UsageError>([&] { expanded({"01:00.1", "01:00.1"}); }), kMessage);
  EXPECT_EQ(error_of<UsageError>([&] { expanded({"01:00.1", "01:00.0,group=on"}); }), kMessage);
}

TEST_F(DeviceGroups, AFunctionThatIsNotThereHasNoGroup) {
  EXPECT_EQ(error_of([&] { expanded({"01:00.0,group=on"}); }),
            "there is no PCI function 0000:01:00.0 on this host; strait devices --all lists those there are");
}

}  // namespace
}  // namespace strait
