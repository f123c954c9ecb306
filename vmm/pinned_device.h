#pragma once

#include <filesystem>
#include <utility>

#include "binding/interrupt_affinity.h"
#include "vfio/forwarding_device.h"

namespace strait {

/// A device whose interrupts on the host stay on the processors that the guest's vCPUs are pinned to, whenever some are set up. Everything else
/// is as with the device. Any thread.
class PinnedDevice : public vfio::ForwardingDevice {
 public:
  /// `sysfs` and `procfs` are mount points, other directories in tests.
  PinnedDevice(vfio::AssignedDevice& device, const host::Bdf& bdf, const CpuSet& cpus, std::filesystem::path sysfs = "/sys",
               std::filesystem::path procfs = "/proc")
      : ForwardingDevice(device), affinity_(bdf, cpus, std::move(sysfs), std::move(procfs)) {}

  int set_irqs(vfio::IrqIndex index, std::uint32_t start, std::span<const int> eventfds) override {
    const int result = ForwardingDevice::set_irqs(index, start, eventfds);
    if (result == 0 && index == vfio::IrqIndex::kIntx) affinity_.place_pin();
    if (result == 0 && is_message(index)) affinity_.place_messages();
    return result;
  }
  void disable_irqs(vfio::IrqIndex index) override {
    if (index == vfio::IrqIndex::kIntx) affinity_.put_back_pin();
    ForwardingDevice::disable_irqs(index);
    if (is_message(index)) affinity_.forget_messages();
  }

 private:
  static bool is_message(vfio::IrqIndex index) { return index == vfio::IrqIndex::kMsi || index == vfio::IrqIndex::kMsix; }

  binding::InterruptAffinity affinity_;
};

}  // namespace strait
