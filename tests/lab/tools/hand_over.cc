// hand_over BDF COMMAND [ARG...]: opens the function through VFIO as a privileged launcher does, and becomes the command, which finds the
// container as descriptor 7, the IOMMU group as 8 and the device as 9.

#include <fcntl.h>
#include <linux/vfio.h>
#include <unistd.h>

#include <cstdio>

#include <fmt/format.h>

#include "base/syscall.h"
#include "host/pci_function.h"

namespace strait {
namespace {

void open_for_successor(const host::PciFunction& function) {
  const UniqueFd container = open_file("/dev/vfio/vfio", O_RDWR);
  const UniqueFd group = open_file(fmt::format("/dev/vfio/{}", function.iommu_group().value()), O_RDWR);
  int container_fd = container.get();
  checked_ioctl(group.get(), VFIO_GROUP_SET_CONTAINER, &container_fd, "VFIO_GROUP_SET_CONTAINER");
  checked_ioctl(container.get(), VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU, "VFIO_SET_IOMMU");
  const UniqueFd device(
      checked_ioctl(group.get(), VFIO_GROUP_GET_DEVICE_FD, function.bdf().to_string().c_str(), "VFIO_GROUP_GET_DEVICE_FD"));
  ::dup2(container.get(), 7);
  ::dup2(group.get(), 8);
  ::dup2(device.get(), 9);
}

}  // namespace
}  // namespace strait

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  try {
    strait::open_for_successor(strait::host::PciFunction(strait::host::Bdf::parse(argv[1])));
    ::execvp(argv[2], argv + 2);
    std::perror(argv[2]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hand_over: %s\n", error.what());
  }
  return 1;
}
