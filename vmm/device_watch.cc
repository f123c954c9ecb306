#include "vmm/device_watch.h"

#include <utility>

#include "base/syscall.h"

namespace strait {

DeviceWatch::DeviceWatch(vfio::AssignedDevice& device, EventLoop& loop, Handlers handlers)
    : loop_(loop),
      error_(watch(device, vfio::IrqIndex::kError, std::move(handlers.on_error))),
      request_(watch(device, vfio::IrqIndex::kRequest, std::move(handlers.on_request))) {}

DeviceWatch::~DeviceWatch() {
  for (const UniqueFd* eventfd : {&error_, &request_}) {
    if (*eventfd) loop_.remove(eventfd->get());
  }
}

UniqueFd DeviceWatch::watch(vfio::AssignedDevice& device, vfio::IrqIndex index, std::function<void()> handler) {
  if (device.irq_info(index).count == 0) return {};
  UniqueFd eventfd = make_eventfd();
  const int fd = eventfd.get();
  if (device.set_irqs(index, 0, {&fd, 1}) != 0) return {};
  loop_.add(fd, [fd, handler = std::move(handler)] {
    drain_eventfd(fd);
    handler();
  });
  return eventfd;
}

}  // namespace strait
