#include "vmm/dma_host.h"

#include <set>
#include <utility>

#include "host/limits.h"
#include "host/pci_function.h"

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

UniqueFd DmaHost::open(const DeviceSpec& device) { return container_->open_device(groups_.at(device.bdf), device.bdf.to_string(), device.vf_token); }

void DmaHost::map(const GuestMemory& memory, BackgroundMapping::Handlers handlers) {
  if (container_ && !mapping_) mapping_ = std::make_unique<BackgroundMapping>(memory, *container_, std::move(handlers));
}

}  // namespace strait
