#include "vmm/device_places.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/error_of.h"

namespace strait {
namespace {

using test::error_of;
using testing::ElementsAre;

std::vector<DeviceSpec> placed(std::initializer_list<const char*> texts) {
  std::vector<DeviceSpec> devices;
  for (const char* text : texts) devices.push_back(DeviceSpec::parse(text));
  place_devices(devices);
  return devices;
}

std::vector<GuestAddress> addresses(std::span<const DeviceSpec> devices) {
  std::vector<GuestAddress> list;
  for (const DeviceSpec& device : devices) list.push_back(device.address);
  return list;
}

std::string why_not(std::initializer_list<const char*> texts) {
  return error_of<UsageError>([&] { placed(texts); });
}

using At = GuestAddress;

TEST(DevicePlaces, TheLowestEmptySlotsInOrder) {
  EXPECT_THAT(addresses(placed({"01:10.0", "01:10.2", "01:10.4"})), ElementsAre(At{1, 0}, At{2, 0}, At{3, 0}));
}

TEST(DevicePlaces, OthersMakeRoomForThoseThatAsk) {
  EXPECT_THAT(addresses(placed({"01:10.0", "01:10.2,addr=1", "01:10.4"})), ElementsAre(At{2, 0}, At{1, 0}, At{3, 0}));
  EXPECT_THAT(addresses(placed({"01:10.0", "01:10.2,addr=1.4", "01:10.4,addr=1"})), ElementsAre(At{2, 0}, At{1, 4}, At{1, 0}))
      << "a slot that has any function is not empty";
}

TEST(DevicePlaces, FunctionZeroKnowsOfOthersInItsSlot) {
  const auto devices = placed({"01:10.0,addr=5", "01:10.2,addr=5.3", "01:10.4,addr=6"});
  EXPECT_TRUE(devices[0].multifunction);
  EXPECT_FALSE(devices[1].multifunction);
  EXPECT_FALSE(devices[2].multifunction);
}

TEST(DevicePlaces, AFunctionWithoutASlotFollowsTheDeviceBeforeIt) {
  std::vector<DeviceSpec> devices(5);
  devices[1].address = {.slot = 0, .function = 1};
  devices[2].address = {.slot = 2, .function = 0};
  devices[4].address = {.slot = 0, .function = 6};
  place_devices(devices);
  EXPECT_THAT(addresses(devices), ElementsAre(At{1, 0}, At{1, 1}, At{2, 0}, At{3, 0}, At{3, 6}));
}

TEST(DevicePlaces, APlaceHasRoomForOne) {
  EXPECT_EQ(why_not({"01:10.0,addr=1e", "01:10.2,addr=1e"}),
            "two devices have addr=1e.0; give each a slot of its own, or a function of its own, as in addr=5.1");
  EXPECT_EQ(why_not({"01:10.0,addr=2", "01:10.2,addr=2.7", "01:10.4,addr=2.7"}),
            "two devices have addr=2.7; give each a slot of its own, or a function of its own, as in addr=5.1");
}

TEST(DevicePlaces, ASlotNeedsAFunctionZero) {
  EXPECT_EQ(why_not({"01:10.0", "01:10.2,addr=1f.1"}),
            "0000:01:10.2 has addr=1f.1, but slot 1f has no function 0, without which a guest looks for no other; "
            "give another device addr=1f");
}

TEST(DevicePlaces, ThereAreThirtyOneSlots) {
  std::vector<DeviceSpec> devices(31);
  place_devices(devices);
  EXPECT_EQ(devices.back().address, (At{31, 0}));
  devices.assign(32, {});
  EXPECT_EQ(error_of([&] { place_devices(devices); }), "there are more devices than the guest's bus has slots; give at most 31, or "
                                                       "several of them one slot, as with addr=5 and addr=5.1");
}

TEST(DevicePlaces, AndEightFunctionsInEach) {
  std::vector<DeviceSpec> devices;
  for (unsigned place = 8; place < 256; ++place) devices.emplace_back().address = {place / 8, place % 8};
  place_devices(devices);
  EXPECT_EQ(devices.back().address, (At{31, 7}));
}

}  // namespace
}  // namespace strait
