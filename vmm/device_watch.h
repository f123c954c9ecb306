#pragma once

#include <functional>

#include "base/unique_fd.h"
#include "vfio/assigned_device.h"
#include "vmm/event_loop.h"

namespace strait {

/// Hears what the host has to say of an assigned device while a guest has it (VFIO's ERR and REQ interrupts). Made, called and ended on the
/// event loop's thread.
class DeviceWatch {
 public:
  struct Handlers {
    std::function<void()> on_error;    ///< it reported an uncorrectable error (PCIe AER)
    std::function<void()> on_request;  ///< the host wants it back: its remover waits, holding the kernel's device locks. Said again and again
  };
  DeviceWatch(vfio::AssignedDevice& device, EventLoop& loop, Handlers handlers);
  ~DeviceWatch();
  DeviceWatch(const DeviceWatch&) = delete;
  DeviceWatch& operator=(const DeviceWatch&) = delete;

 private:
  UniqueFd watch(vfio::AssignedDevice& device, vfio::IrqIndex index, std::function<void()> handler);

  EventLoop& loop_;
  UniqueFd error_, request_;  ///< none where the device does not offer it
};

}  // namespace strait
