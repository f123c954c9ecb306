#include "vmm/device_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/error_of.h"

namespace strait {
namespace {

using test::error_of;
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

}  // namespace
}  // namespace strait
