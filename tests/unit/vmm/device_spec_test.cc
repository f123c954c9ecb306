#include "vmm/device_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include <fmt/format.h>

#include "tests/fakes/fake_sysfs.h"
#include "tests/unit/error_of.h"

namespace strait {
namespace {

using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(DeviceSpec, AnAddressAloneHasTheDefaults) {
  const DeviceSpec spec = DeviceSpec::parse("01:10.0");
  EXPECT_EQ(spec.bdf, host::Bdf::parse("0000:01:10.0"));
  EXPECT_EQ(spec.address, GuestAddress());
  EXPECT_TRUE(spec.rom);
  EXPECT_EQ(spec.rom_file, "");
  EXPECT_FALSE(spec.group);
  EXPECT_EQ(spec.vf_token, "");
  EXPECT_FALSE(spec.device_fd || spec.group_fd || spec.container_fd);
  EXPECT_TRUE(spec.direct);
  EXPECT_TRUE(spec.irqfds);
  EXPECT_TRUE(spec.io_eventfds);
  EXPECT_TRUE(spec.batched);
  EXPECT_TRUE(spec.dynamic_msix);
}

TEST(DeviceSpec, EveryKeyIsTaken) {
  const DeviceSpec spec = DeviceSpec::parse("01:10.0,addr=0x1f,rombar=off,romfile=/tmp/a=b,mmap=off,p2p=off");
  EXPECT_EQ(spec.address, (GuestAddress{0x1f, 0}));
  EXPECT_FALSE(spec.rom);
  EXPECT_EQ(spec.rom_file, "/tmp/a=b");
  EXPECT_FALSE(spec.direct);
  EXPECT_FALSE(spec.peers);
  EXPECT_TRUE(DeviceSpec::parse("01:10.0,group=on,addr=5.0").group);
  EXPECT_EQ(DeviceSpec::parse("01:10.0,vf-token=83d8f4f2-509F-382f-3c1e-e6bfe0fa1001").vf_token, "83d8f4f2-509F-382f-3c1e-e6bfe0fa1001");
  const DeviceSpec experiment = DeviceSpec::parse("01:10.0,irqfd=off,ioeventfd=off,route-batch=off,dyn-msix=off");
  EXPECT_TRUE(experiment.direct);
  EXPECT_FALSE(experiment.irqfds);
  EXPECT_FALSE(experiment.io_eventfds);
  EXPECT_FALSE(experiment.batched);
  EXPECT_FALSE(experiment.dynamic_msix);
  EXPECT_EQ(DeviceSpec::parse("01:10.0,addr=a").address, (GuestAddress{10, 0}));
  EXPECT_EQ(DeviceSpec::parse("01:10.0,addr=1e.7").address, (GuestAddress{0x1e, 7}));
  EXPECT_EQ(DeviceSpec::parse("01:10.0,addr=0x5.0").address, (GuestAddress{5, 0}));
}

TEST(DeviceSpec, DescriptorsAreThoseThatAreOpen) {
  const DeviceSpec spec = DeviceSpec::parse("01:10.0,fd=0,group-fd=1,container-fd=2");
  EXPECT_EQ(spec.device_fd, 0);
  EXPECT_EQ(spec.group_fd, 1);
  EXPECT_EQ(spec.container_fd, 2);
  for (const char* fd : {"-1", "1000000", "x", "1x", "0x1"}) {
    EXPECT_EQ(error_of<UsageError>([&] { DeviceSpec::parse(std::string("01:10.0,group-fd=") + fd); }),
              std::string("--device ...,group-fd=") + fd + ": no open descriptor; give the number of one that was opened before strait was "
              "started, as by 'exec 7<>/dev/vfio/vfio' in a shell");
  }
}

TEST(DeviceSpec, KeysThatDoNotGoTogether) {
  EXPECT_EQ(error_of<UsageError>([] { DeviceSpec::parse("01:10.0,addr=5.1,group=on"); }),
            "--device 0000:01:10.0,group=on: addr= with a function; give the slot alone: "
            "the functions of a group keep the numbers that they have on the host");
  EXPECT_EQ(error_of<UsageError>([] { DeviceSpec::parse("01:10.0,fd=0,group-fd=1,group=on"); }),
            "--device 0000:01:10.0,group=on: fd= is one function's; hand over the group, group-fd=N, or name each function with its own "
            "fd=N");
  EXPECT_EQ(error_of<UsageError>([] { DeviceSpec::parse("01:10.0,fd=0,container-fd=1"); }),
            "--device 0000:01:10.0,fd=0 needs group-fd= as well; hand over all three: the device, its IOMMU group, and the container that "
            "the group is in (container-fd=)");
}

class SeveralFunctions : public testing::Test {
 protected:
  SeveralFunctions() {
    sysfs_.add("0000:00:01.0", "pcieport", 7, "0x060400");
    sysfs_.add("0000:01:00.0", "vfio-pci", 7, "0x030000");
    sysfs_.add("0000:01:00.1", "vfio-pci", 7, "0x040300");
    sysfs_.add("0000:02:00.1", "vfio-pci", 7);
  }
  ~SeveralFunctions() override { ::unsetenv("STRAIT_TEST_VFS"); }

  /// "HOST: SLOT.FUNCTION", where slot 0 is none in particular.
  std::vector<std::string> places(const char* text) const {
    std::vector<std::string> list;
    for (const DeviceSpec& device : DeviceSpec::parse_all(text, sysfs_.root())) {
      list.push_back(fmt::format("{}: {:x}.{}", device.bdf.to_string(), device.address.slot, device.address.function));
    }
    return list;
  }
  test::FakeSysfs sysfs_;
};

TEST_F(SeveralFunctions, TheGroupComesAsItIsOnTheHost) {
  EXPECT_THAT(places("group:7"), ElementsAre("0000:01:00.0: 0.0", "0000:01:00.1: 0.1", "0000:02:00.1: 0.0"));
  EXPECT_THAT(places("group:7,addr=9"), ElementsAre("0000:01:00.0: 9.0", "0000:01:00.1: 9.1", "0000:02:00.1: 0.0"));
}

TEST_F(SeveralFunctions, ThoseOfAVariableHaveSlotsOfTheirOwn) {
  ::setenv("STRAIT_TEST_VFS", "0000:01:00.0,0000:01:00.1", 1);
  EXPECT_THAT(places("env:STRAIT_TEST_VFS"), ElementsAre("0000:01:00.0: 0.0", "0000:01:00.1: 0.0"));
}

TEST_F(SeveralFunctions, KeysAreForAllButThoseThatOnlyOneCanHave) {
  for (const DeviceSpec& device : DeviceSpec::parse_all("group:7,rombar=off", sysfs_.root())) EXPECT_FALSE(device.rom);
  EXPECT_EQ(error_of<UsageError>([&] { DeviceSpec::parse_all("group:7,romfile=rom", sysfs_.root()); }),
            "--device group:7,romfile=: the address is of several functions; name each function with its own");
  EXPECT_THAT(error_of<UsageError>([&] { DeviceSpec::parse_all("group:7,fd=0,group-fd=1", sysfs_.root()); }), HasSubstr("group:7,fd=: "));
  EXPECT_THAT(error_of<UsageError>([&] { DeviceSpec::parse_all("group:7,addr=5.1,group=on", sysfs_.root()); }), HasSubstr("addr= with a function"));
}

TEST_F(SeveralFunctions, WhereOneIsMeantTheyAreAnError) {
  EXPECT_EQ(error_of([&] { DeviceSpec::parse("group:7,rombar=off", sysfs_.root()); }),
            "group:7 stands for 3 functions: 0000:01:00.0, 0000:01:00.1, 0000:02:00.1; name one of them");
}

TEST(DeviceSpec, MistakesAreNamed) {
  EXPECT_THAT(error_of([] { DeviceSpec::parse("01:10.0,color=red"); }),
              HasSubstr("unknown key; there are addr=SLOT[.FUNCTION], container-fd=N"));
  EXPECT_THAT(error_of([] { DeviceSpec::parse("01:10.0,rombar"); }), HasSubstr("'rombar' is not KEY=VALUE"));
  EXPECT_THAT(error_of([] { DeviceSpec::parse("01:10.0,romfile="); }), HasSubstr("is not KEY=VALUE"));
  EXPECT_THAT(error_of([] { DeviceSpec::parse("01:10.0,,rombar=on"); }), HasSubstr("'' is not KEY=VALUE"));
  EXPECT_THAT(error_of([] { DeviceSpec::parse("01:10.0,mmap=yes"); }), HasSubstr("mmap=yes: neither on nor off; write mmap=on or mmap=off"));
  for (const char* token : {"1", "83d8f4f2-509f-382f-3c1e-e6bfe0fa100", "83d8f4f2-509f-382f-3c1e-e6bfe0fa10011",
                            "83d8f4f2-509f-382f-3c1e-e6bfe0fa100g", "83d8f4f20509f-382f-3c1e-e6bfe0fa1001"}) {
    EXPECT_THAT(error_of([&] { DeviceSpec::parse(std::string("01:10.0,vf-token=") + token); }), HasSubstr("no UUID; give one such as"))
        << token;
  }
  for (const char* slot : {"0", "20", "-1", "0x", "1g", "5.", "5.8", ".1", "5.1.1", "5.-1", "0.1"}) {
    EXPECT_THAT(error_of([&] { DeviceSpec::parse(std::string("01:10.0,addr=") + slot); }), HasSubstr("no slot; give a slot")) << slot;
  }
}

TEST(DeviceSpec, AVfIsAskedForByItsPf) {
  const DeviceSpec any = DeviceSpec::parse("vf=01:00.0:any,mac=02:00:00:00:00:01,vlan=5,addr=4");
  ASSERT_TRUE(any.vf);
  EXPECT_EQ(any.vf->pf, host::Bdf::parse("01:00.0"));
  EXPECT_FALSE(any.vf->index);
  EXPECT_TRUE(any.managed);
  EXPECT_EQ(any.name(), "vf=0000:01:00.0:any");
  EXPECT_EQ(any.vf_settings.vlan, 5u);
  EXPECT_EQ(any.address.slot, 4u);
  const DeviceSpec third = DeviceSpec::parse("vf=0000:01:00.0:3");
  EXPECT_EQ(third.vf->index, 3u);
  EXPECT_EQ(third.name(), "vf=0000:01:00.0:3");
  EXPECT_TRUE(third.vf_settings.empty());
  const DeviceSpec address = DeviceSpec::parse("01:10.0,managed=on,trust=on");
  EXPECT_TRUE(address.managed);
  EXPECT_EQ(address.name(), "0000:01:10.0");
  EXPECT_EQ(address.vf_settings.trust, true);
}

TEST(DeviceSpec, VfsThatCannotBeAreNamed) {
  const auto error = [](const char* text) { return error_of<UsageError>([&] { DeviceSpec::parse(text); }); };
  for (const char* text : {"vf=01:00.0:all", "vf=:any", "vf=any", "vf=01:00.0:", "vf=01:00.0:-1"}) {
    EXPECT_THAT(error(text), HasSubstr("neither any nor the number of a VF behind the PF; write vf=PF:any")) << text;
  }
  EXPECT_THAT(error("vf=01:00.0:any,managed=off"), HasSubstr("managed=off: a VF that the run takes it gives back, too"));
  EXPECT_THAT(error("vf=01:00.0:any,group=on"), HasSubstr("group=on: which group is open"));
  EXPECT_THAT(error("01:10.0,managed=on,fd=0,group-fd=1"), HasSubstr("hand descriptors over without managed="));
  EXPECT_EQ(error("01:10.0,vlan=5"), "--device 0000:01:10.0,vlan=: strait does not manage this function; add managed=on, and strait sets it for the "
                                     "run; or set it before, with strait vf set");
  EXPECT_EQ(error("vf=01:00.0:any,vlan=5000"), "--device ...,vlan=5000: no such value; vlan is 0 (none) to 4094");
  EXPECT_THAT(error("vf=01:00.0:any,min_tx_rate=2,max_tx_rate=1"), HasSubstr("min_tx_rate=2 is more than max_tx_rate=1"));
}

}  // namespace
}  // namespace strait
