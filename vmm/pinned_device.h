#pragma once

#include "binding/interrupt_affinity.h"
#include "vfio/forwarding_device.h"

namespace strait {

/// A device whose interrupts on the host stay on the processors that the guest's vCPUs are pinned to, whenever some are set up. Everything else
/// is as with the device. Any thread.
class PinnedDevice : public vfio::ForwardingDevice {
 public:
  PinnedDevice(vfio::AssignedDevice& device, const host::Bdf& bdf, const CpuSet& cpus) : ForwardingDevice(device), affinity_(bdf, cpus) {}

  int set_irqs(vfio::IrqIndex index, std::uint32_t start, std::span<const int> eventfds) override {
    const int result = ForwardingDevice::set_irqs(index, start, eventfds);
    if (result == 0 && index == vfio::IrqIndex::kIntx) affinity_.place_pin();
    if (result == 0 && (index == vfio::IrqIndex::kMsi || index == vfio::IrqIndex::kMsix)) affinity_.place_messages();
    return result;
  }
  void disable_irqs(vfio::IrqIndex index) override {
    if (index == vfio::IrqIndex::kIntx) affinity_.put_back_pin();
    ForwardingDevice::disable_irqs(index);
  }

 private:
  binding::InterruptAffinity affinity_;
};

}  // namespace strait
