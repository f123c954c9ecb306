#pragma once

#include "vfio/assigned_device.h"
#include "vfio/register_eventfds.h"

namespace strait::vfio {

/// A device for those who set up its interrupts while its registers may have shortcuts: each call during which signalled writes could be put
/// off is made without any. Everything else is as with the device. Any thread.
class OrderedDevice : public AssignedDevice {
 public:
  OrderedDevice(AssignedDevice& device, RegisterEventfds& eventfds) : device_(device), eventfds_(eventfds) {}

  int set_irqs(IrqIndex index, std::uint32_t start, std::span<const int> eventfds) override {
    const auto pause = eventfds_.pause();
    return device_.set_irqs(index, start, eventfds);
  }
  void disable_irqs(IrqIndex index) override {
    const auto pause = eventfds_.pause();
    device_.disable_irqs(index);
  }

  const std::string& name() const override { return device_.name(); }
  const RegionInfo& region(unsigned index) const override { return device_.region(index); }
  bool read(unsigned region, std::uint64_t offset, std::span<std::uint8_t> data) override { return device_.read(region, offset, data); }
  bool write(unsigned region, std::uint64_t offset, std::span<const std::uint8_t> data) override {
    return device_.write(region, offset, data);
  }
  int connect_write(const RegisterWrite& write, int eventfd) override { return device_.connect_write(write, eventfd); }
  void disconnect_write(const RegisterWrite& write) override { device_.disconnect_write(write); }
  MappedRegion map(unsigned region, const Area& area, std::uint64_t alignment) override { return device_.map(region, area, alignment); }
  IrqInfo irq_info(IrqIndex index) const override { return device_.irq_info(index); }
  int unmask_with(IrqIndex index, int eventfd) override { return device_.unmask_with(index, eventfd); }

 private:
  AssignedDevice& device_;
  RegisterEventfds& eventfds_;
};

}  // namespace strait::vfio
