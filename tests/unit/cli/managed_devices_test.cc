#include "cli/managed_devices.h"

#include <csignal>

#include "binding/lock.h"
#include "binding/sriov.h"
#include "tests/unit/binding/pf_test.h"

namespace strait {
namespace {

using test::error_of;

class ManagedDevicesTest : public binding::PfTest {
 protected:
  ManagedDevicesTest() {
    binding::set_vf_count(pf(), 3, true, host());
    before_ = card_.table_;
  }
  static DeviceSpec spec(const std::string& text) { return DeviceSpec::parse(text); }
  void expect_as_before() {
    for (unsigned index = 0; index < 3; ++index) EXPECT_EQ(card_.driver(index), "igbvf") << index;
    EXPECT_EQ(card_.table_, before_);
    EXPECT_TRUE(records().functions().empty());
  }
  static int no_signal() { return 0; }

  host::VfTable before_;
};

TEST_F(ManagedDevicesTest, AddressesFirstThenNumbersThenWhatIsLeft) {
  std::vector<DeviceSpec> devices = {spec("vf=03:00.0:any,vlan=7"), spec("vf=03:00.0:0"), spec("03:10.1,managed=on")};
  ManagedDevices managed(devices, host(), no_signal);
  EXPECT_EQ(devices[0].bdf, vf(2));
  EXPECT_EQ(devices[1].bdf, vf(0));
  EXPECT_EQ(devices[2].bdf, vf(1));
  EXPECT_EQ(card_.table_[2].vlan, 7u);
  EXPECT_EQ(card_.driver(1), "vfio-pci");
  EXPECT_TRUE(managed.give_back());
  expect_as_before();
}

TEST_F(ManagedDevicesTest, ASignalEndsTheTaking) {
  std::vector<DeviceSpec> devices = {spec("vf=03:00.0:any"), spec("vf=03:00.0:any")};
  {
    const ManagedDevices managed(devices, host(), [] { return SIGTERM; });
    EXPECT_EQ(managed.interrupted_by(), SIGTERM);
    EXPECT_FALSE(devices[0].vf);
    EXPECT_TRUE(devices[1].vf) << "not taken any more";
  }
  expect_as_before();
}

TEST_F(ManagedDevicesTest, AllThatHaveAnAddressGoByThat) {
  std::vector<DeviceSpec> devices = {spec("vf=03:00.0:2"), spec("03:10.1,managed=on"), spec("vf=03:00.0:0")};
  const ManagedDevices managed(devices, host(), [] { return SIGTERM; });
  EXPECT_FALSE(devices[2].vf) << "the first";
  EXPECT_TRUE(devices[0].vf);
  EXPECT_EQ(card_.driver(1), "igbvf");
}

TEST_F(ManagedDevicesTest, ASignalEndsTheWaitForAnother) {
  const auto lock = binding::Lock::take(pf(), host());
  std::vector<DeviceSpec> devices = {spec("03:10.1,managed=on"), spec("vf=03:00.0:any")};
  binding::Host host = this->host();
  host.interrupted = [] { return true; };
  {
    int asked = 0;
    const ManagedDevices managed(devices, host, [&asked] { return ++asked == 2 ? SIGINT : 0; });
    EXPECT_EQ(managed.interrupted_by(), SIGINT);
  }
  expect_as_before();
}

TEST_F(ManagedDevicesTest, WhereOneCannotBeTakenNoneStaysTaken) {
  std::vector<DeviceSpec> devices = {spec("vf=03:00.0:any"), spec("vf=03:00.0:1,mac=02:00:00:00:00:01")};
  card_.refused_ = "mac";
  EXPECT_EQ(error_of([&] { ManagedDevices(devices, host(), no_signal); }),
            "setting mac=02:00:00:00:00:01 for VF 1 of eth0: Operation not supported");
  card_.refused_.clear();
  expect_as_before();
}

TEST_F(ManagedDevicesTest, AVfThatIsGivenTwiceIsTakenOnce) {
  std::vector<DeviceSpec> devices = {spec("03:10.1"), spec("vf=03:00.0:1")};
  EXPECT_EQ(error_of([&] { ManagedDevices(devices, host(), no_signal); }),
            "--device vf=0000:03:00.0:1 is 0000:03:10.1, which is given, too; name each device once");
  expect_as_before();
}

TEST_F(ManagedDevicesTest, WhatCannotBeGivenBackKeepsItsRecord) {
  std::vector<DeviceSpec> devices = {spec("vf=03:00.0:any,vlan=7")};
  ManagedDevices managed(devices, host(), no_signal);
  card_.refused_ = "vlan";
  EXPECT_FALSE(managed.give_back());
  EXPECT_EQ(records().functions(), std::vector{vf(0)});
  card_.refused_.clear();
  std::vector<DeviceSpec> none;
  const ManagedDevices next(none, host(), no_signal);
  expect_as_before();
}

}  // namespace
}  // namespace strait
