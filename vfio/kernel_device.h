#pragma once

#include <array>

#include "base/unique_fd.h"
#include "vfio/assigned_device.h"

namespace strait::vfio {

/// A PCI function behind the kernel's vfio-pci: one device descriptor, however it was obtained.
class KernelDevice : public AssignedDevice {
 public:
  /// Reads the device's regions and interrupts. Throws Error.
  KernelDevice(std::string name, UniqueFd fd);

  const std::string& name() const override { return name_; }
  const RegionInfo& region(unsigned index) const override;
  bool read(unsigned region, std::uint64_t offset, std::span<std::uint8_t> data) override;
  bool write(unsigned region, std::uint64_t offset, std::span<const std::uint8_t> data) override;
  int connect_write(const RegisterWrite& write, int eventfd) override;
  void disconnect_write(const RegisterWrite& write) override;
  MappedRegion map(unsigned region, const Area& area, std::uint64_t alignment) override;
  IrqInfo irq_info(IrqIndex index) const override;
  int set_irqs(IrqIndex index, std::uint32_t start, std::span<const int> eventfds) override;
  int unmask_with(IrqIndex index, int eventfd) override;
  void disable_irqs(IrqIndex index) override;
  bool reset() override;

 private:
  static constexpr unsigned kRegions = 9;

  int io_eventfd(const RegisterWrite& write, int eventfd);
  int connect_eventfds(IrqIndex index, std::uint32_t action, std::uint32_t start, std::span<const int> eventfds);

  std::string name_;
  UniqueFd fd_;
  std::array<RegionInfo, kRegions> regions_;
  std::array<std::uint64_t, kRegions> file_offsets_{};
  bool resettable_ = false;
};

}  // namespace strait::vfio
