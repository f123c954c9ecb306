#pragma once

#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/guest_memory.h"
#include "vfio/container.h"
#include "vfio/kernel_device.h"
#include "vmm/background_mapping.h"
#include "vmm/device_spec.h"

namespace strait {

/// Where the assigned devices of a machine do their DMA: the container with their IOMMU groups, and the guest's memory mapped in it. There
/// is one only while there are devices: with the last group the kernel drops a container's mappings, and the next device needs another. The
/// event loop's thread, but for wait().
class DmaHost {
 public:
  /// `memory_size` is what will be locked.
  explicit DmaHost(std::uint64_t memory_size) : memory_size_(memory_size) {}

  /// Checks the devices and brings their groups in. Throws Error, naming what is wrong with the first that cannot be assigned; leave_all_but()
  /// then takes back what was done.
  void join(std::span<const DeviceSpec> devices);
  /// Lets go of every group that none of `devices` is in, and of the container with the last. They are closed, and nobody uses the container.
  void leave_all_but(std::span<const DeviceSpec> devices);

  /// Opens devices that joined, in their order, each in its initial state if there is a way to it that leaves those `in_use` (full PCI
  /// addresses) alone. Throws Error.
  std::vector<vfio::KernelDevice> open(std::span<const DeviceSpec> devices, const std::set<std::string>& in_use);
  /// None while there are no devices.
  vfio::Container* container() { return container_.get(); }
  /// Starts to map the guest's memory beside the guest, unless that was done; `threads` make it present first (0: it is). Throws Error where
  /// that is known to have failed.
  void map(const GuestMemory& memory, unsigned threads, BackgroundMapping::Handlers handlers);
  /// See BackgroundMapping::wait(). Any thread, for a device that joined.
  bool wait() { return mapping_->wait(); }

 private:
  const std::uint64_t memory_size_;
  std::map<host::Bdf, unsigned> groups_;  ///< of the devices that joined: a device that is being removed has no place in sysfs any more
  std::unique_ptr<vfio::Container> container_;
  std::unique_ptr<BackgroundMapping> mapping_;
};

}  // namespace strait
