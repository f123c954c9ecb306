#include "vmm/device_descriptors.h"

#include <gtest/gtest.h>

#include "tests/unit/error_of.h"

namespace strait {
namespace {

struct Descriptors {
  std::optional<int> container, group, device;
};

/// Devices 0000:00:00.0, 0000:00:00.1 and so on.
std::vector<DeviceSpec> checked(std::initializer_list<Descriptors> list) {
  std::vector<DeviceSpec> devices;
  for (const Descriptors& descriptors : list) {
    const auto function = static_cast<std::uint8_t>(devices.size());
    DeviceSpec& device = devices.emplace_back();
    device.bdf.function = function;
    device.container_fd = descriptors.container;
    device.group_fd = descriptors.group;
    device.device_fd = descriptors.device;
  }
  check_descriptors(devices);
  return devices;
}

std::string why_not(std::initializer_list<Descriptors> list) {
  return test::error_of<UsageError>([&] { checked(list); });
}

TEST(DeviceDescriptors, NoneIsTheUsualCase) { EXPECT_FALSE(checked({{}, {}}).front().container_fd); }

TEST(DeviceDescriptors, TheContainerIsForAllWhoeverNamesIt) {
  for (const DeviceSpec& device : checked({{}, {.container = 7, .group = 8, .device = {}}, {.container = 7, .group = {}, .device = {}}})) {
    EXPECT_EQ(device.container_fd, 7);
  }
  EXPECT_EQ(why_not({{.container = 7, .group = {}, .device = {}}, {.container = 8, .group = {}, .device = {}}}),
            "two containers: container-fd=7 and container-fd=8; put all IOMMU groups of a guest into one");
}

TEST(DeviceDescriptors, DevicesOfOneGroupNameItByOneNumber) {
  EXPECT_EQ(checked({{.container = 7, .group = 8, .device = 9}, {.container = {}, .group = 8, .device = 10}}).back().group_fd, 8);
}

TEST(DeviceDescriptors, AnOpenDeviceComesWithItsContainer) {
  EXPECT_EQ(why_not({{}, {.container = {}, .group = 8, .device = 9}}),
            "--device 0000:00:00.1,fd=9 needs container-fd= as well; hand over all three: the device, its IOMMU group (group-fd=), and the "
            "container that the group is in");
}

TEST(DeviceDescriptors, ANumberStandsForOneThing) {
  EXPECT_EQ(why_not({{.container = 7, .group = 7, .device = {}}}),
            "descriptor 7 is given as container-fd= and as group-fd=; give each its own number");
  EXPECT_EQ(why_not({{.container = 7, .group = 8, .device = 9}, {.container = 7, .group = 8, .device = 9}}),
            "descriptor 9 is given as fd= of 0000:00:00.0 and as fd= of 0000:00:00.1; give each its own number");
}

}  // namespace
}  // namespace strait
