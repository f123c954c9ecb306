#include "vmm/device_descriptors.h"

#include <map>

#include <fmt/format.h>

#include "base/error.h"

namespace strait {
namespace {

std::optional<int> common_container(std::span<const DeviceSpec> devices) {
  std::optional<int> common;
  for (const DeviceSpec& device : devices) {
    if (!device.container_fd) continue;
    if (common && *common != *device.container_fd) {
      throw UsageError(fmt::format("two containers: container-fd={} and container-fd={}", *common, *device.container_fd),
                       "put all IOMMU groups of a guest into one");
    }
    common = device.container_fd;
  }
  return common;
}

/// Several devices of one group name the same group-fd; any other number stands for one thing.
void check_once(std::span<const DeviceSpec> devices) {
  std::map<int, std::string> uses;
  const auto use = [&](int fd, const std::string& what) {
    if (const auto [known, fresh] = uses.emplace(fd, what); !fresh && known->second != what) {
      throw UsageError(fmt::format("descriptor {} is given as {} and as {}", fd, known->second, what), "give each its own number");
    }
  };
  for (const DeviceSpec& device : devices) {
    if (device.container_fd) use(*device.container_fd, "container-fd=");
    if (device.group_fd) use(*device.group_fd, "group-fd=");
    if (device.device_fd) use(*device.device_fd, "fd= of " + device.bdf.to_string());
  }
}

}  // namespace

void check_descriptors(std::span<DeviceSpec> devices) {
  const std::optional<int> container = common_container(devices);
  for (DeviceSpec& device : devices) {
    if (device.device_fd && !container) {
      throw UsageError(fmt::format("--device {},fd={} needs container-fd= as well", device.bdf.to_string(), *device.device_fd),
                       "hand over all three: the device, its IOMMU group (group-fd=), and the container that the group is in");
    }
    device.container_fd = container;
  }
  check_once(devices);
}

}  // namespace strait
