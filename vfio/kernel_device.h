#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "vfio/assigned_device.h"
#include "vfio/bus_reset.h"

namespace strait::vfio {

/// Where a region may be mapped, by an answer to VFIO_DEVICE_GET_REGION_INFO (struct vfio_region_info with its capabilities): nowhere without
/// VFIO_REGION_INFO_FLAG_MMAP, else everywhere, or in the areas that the answer lists, just as they are. `info` holds at least the structure;
/// a list that is cut short is read as far as it goes. Pure.
std::vector<Area> read_mappable_areas(std::span<const std::uint8_t> info);

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

  /// The kernel resets it when it is opened and closed, without touching any other (VFIO_DEVICE_FLAGS_RESET).
  bool resets_alone() const { return resets_alone_; }
  /// The functions, itself among them, that a reset of its bus or slot reaches; none where there is no such reset.
  std::vector<ReachedFunction> reached_by_bus_reset() const;
  /// Resets its bus or slot. `groups` are descriptors of the IOMMU groups of all that this reaches. 0 or a negative errno.
  int reset_bus(std::span<const int> groups);

 private:
  static constexpr unsigned kRegions = 9;

  int io_eventfd(const RegisterWrite& write, int eventfd);
  int connect_eventfds(IrqIndex index, std::uint32_t action, std::uint32_t start, std::span<const int> eventfds);

  std::string name_;
  UniqueFd fd_;
  std::array<RegionInfo, kRegions> regions_;
  std::array<std::uint64_t, kRegions> file_offsets_{};
  bool resets_alone_ = false;
};

}  // namespace strait::vfio
