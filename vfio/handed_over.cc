#include "vfio/handed_over.h"

#include <fcntl.h>
#include <linux/vfio.h>

#include <fmt/format.h>

#include "base/syscall.h"
#include "host/device_file.h"

namespace strait::vfio {
namespace {

UniqueFd take(int fd) {
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return UniqueFd(fd);
}

}  // namespace

UniqueFd take_container(int fd) {
  if (try_ioctl(fd, VFIO_GET_API_VERSION) < 0) {
    throw Error(fmt::format("container-fd={} is no VFIO container", fd), "hand over an open /dev/vfio/vfio");
  }
  return take(fd);
}

UniqueFd take_group(int fd, unsigned group, const std::string& name) {
  const std::string remedy = fmt::format("hand over an open /dev/vfio/{}", group);
  vfio_group_status status = {};
  status.argsz = sizeof status;
  if (try_ioctl(fd, VFIO_GROUP_GET_STATUS, &status) < 0) throw Error(fmt::format("group-fd={} is no VFIO group", fd), remedy);
  if (const auto actual = host::iommu_group_of_file(fd); actual && *actual != group) {
    throw Error(fmt::format("group-fd={} is IOMMU group {}, but {} is in group {}", fd, *actual, name, group), remedy);
  }
  return take(fd);
}

UniqueFd take_device(int fd, int group_fd, const std::string& name) {
  vfio_device_info info = {};
  info.argsz = sizeof info;
  if (try_ioctl(fd, VFIO_DEVICE_GET_INFO, &info) < 0) {
    throw Error(fmt::format("fd={} is no VFIO device", fd), fmt::format("hand over what VFIO_GROUP_GET_DEVICE_FD returned for {}", name));
  }
  // A group leaves its container, unless a device of it is open.
  if (try_ioctl(group_fd, VFIO_GROUP_UNSET_CONTAINER) == 0) {
    throw Error(fmt::format("fd={} is a device of another IOMMU group than {}", fd, name),
                fmt::format("hand over what VFIO_GROUP_GET_DEVICE_FD returned for {}", name));
  }
  return take(fd);
}

}  // namespace strait::vfio
