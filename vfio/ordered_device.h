#pragma once

#include "vfio/forwarding_device.h"
#include "vfio/register_eventfds.h"

namespace strait::vfio {

/// A device for those who set up its interrupts while its registers may have shortcuts: each call during which signalled writes could be put
/// off is made without any. Everything else is as with the device. Any thread.
class OrderedDevice : public ForwardingDevice {
 public:
  OrderedDevice(AssignedDevice& device, RegisterEventfds& eventfds) : ForwardingDevice(device), eventfds_(eventfds) {}

  int set_irqs(IrqIndex index, std::uint32_t start, std::span<const int> eventfds) override {
    const auto pause = eventfds_.pause();
    return ForwardingDevice::set_irqs(index, start, eventfds);
  }
  void disable_irqs(IrqIndex index) override {
    const auto pause = eventfds_.pause();
    ForwardingDevice::disable_irqs(index);
  }

 private:
  RegisterEventfds& eventfds_;
};

}  // namespace strait::vfio
