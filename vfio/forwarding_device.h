#pragma once

#include "vfio/assigned_device.h"

namespace strait::vfio {

/// A device that is another one. For those that differ in something: they override that.
class ForwardingDevice : public AssignedDevice {
 public:
  explicit ForwardingDevice(AssignedDevice& device) : device_(device) {}

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
  int set_irqs(IrqIndex index, std::uint32_t start, std::span<const int> eventfds) override { return device_.set_irqs(index, start, eventfds); }
  int unmask_with(IrqIndex index, int eventfd) override { return device_.unmask_with(index, eventfd); }
  void disable_irqs(IrqIndex index) override { device_.disable_irqs(index); }

 private:
  AssignedDevice& device_;
};

}  // namespace strait::vfio
