#include "vmm/dma_host.h"

#include <utility>

#include "base/error.h"
#include "host/assignable.h"
#include "host/limits.h"
#include "host/pci_function.h"
#include "vfio/bus_reset.h"

namespace strait {

void DmaHost::join(std::span<const DeviceSpec> devices) {
  for (const DeviceSpec& device : devices) host::check_assignable(host::PciFunction(device.bdf));
  if (!container_) {
    host::check_memlock(memory_size_);
    container_ = std::make_unique<vfio::Container>(devices.front().container_fd);
  }
  for (const DeviceSpec& device : devices) groups_[device.bdf] = host::PciFunction(device.bdf).iommu_group().value();
  // Those handed over first: a group that somebody else has open cannot be opened for another device of it.
  for (const bool handed_over : {true, false}) {
    for (const DeviceSpec& device : devices) {
      if (device.group_fd.has_value() == handed_over) container_->join(groups_[device.bdf], device.bdf.to_string(), device.group_fd);
    }
  }
  for (const DeviceSpec& device : devices) {
    if (device.device_fd) container_->keep_device(groups_[device.bdf], device.bdf.to_string(), *device.device_fd);
  }
}

void DmaHost::leave_all_but(std::span<const DeviceSpec> devices) {
  if (!container_) return;
  std::set<unsigned> groups;
  for (const DeviceSpec& device : devices) groups.insert(groups_.at(device.bdf));
  if (groups.empty()) {
    mapping_.reset();
    container_.reset();
  } else {
    container_->leave_all_but(groups);
  }
}

std::vector<vfio::KernelDevice> DmaHost::open(std::span<const DeviceSpec> devices, const std::set<std::string>& in_use) {
  std::vector<vfio::KernelDevice> opened;
  for (const DeviceSpec& device : devices) {
    const std::string name = device.bdf.to_string();
    opened.emplace_back(name, container_->open_device(groups_.at(device.bdf), name, device.vf_token));
  }
  vfio::reset_by_bus(opened, *container_, in_use);
  return opened;
}

void DmaHost::map(const GuestMemory& memory, unsigned threads, BackgroundMapping::Handlers handlers) {
  if (mapping_ && mapping_->failed()) {
    throw Error("the guest's memory could not be mapped for DMA when a device came", "remove the devices that it has, then add this one");
  }
  if (container_ && !mapping_) mapping_ = std::make_unique<BackgroundMapping>(memory, *container_, threads, std::move(handlers));
}

}  // namespace strait
