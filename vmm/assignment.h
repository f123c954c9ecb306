#pragma once

#include <chrono>
#include <optional>

#include <nlohmann/json_fwd.hpp>

#include "devices/pci/root_bus.h"
#include "vfio/assigned_function.h"
#include "vfio/kernel_device.h"
#include "vmm/device_spec.h"
#include "vmm/device_watch.h"
#include "vmm/event_loop.h"
#include "vmm/pinned_device.h"

namespace strait {

/// One function of the host in a slot of the guest's bus: opened, listened to, and shown to the guest. The event loop's thread.
class Assignment {
 public:
  /// Takes the opened device; the guest sees nothing of it yet. Its interrupts on the host stay on `cpus`, if those are any. Throws Error
  /// where the device cannot be served.
  Assignment(const DeviceSpec& spec, vfio::KernelDevice device, const vfio::FunctionHost& host, vfio::FunctionOptions options, const CpuSet& cpus,
             EventLoop& loop, DeviceWatch::Handlers handlers);
  /// Closes the device, which resets it. The kernel waits for one that is gone, for a minute or so.
  ~Assignment();
  Assignment(const Assignment&) = delete;
  Assignment& operator=(const Assignment&) = delete;

  /// Puts the function onto the bus.
  void attach(pci::RootBus& bus);
  /// Takes it off, and with it its BARs and interrupts. No vCPU may run meanwhile: one could be in the middle of an access.
  void withdraw();

  const DeviceSpec& spec() const { return spec_; }
  /// False once the device is gone from the bus. The kernel need not know, and the guest may go on without it.
  bool answers();
  /// This and what it counted: until withdraw().
  vfio::AssignedFunction& function() { return *function_; }
  nlohmann::json metrics() const;
  /// When it came onto the bus.
  std::chrono::steady_clock::time_point attached() const { return attached_; }

 private:
  const DeviceSpec spec_;
  vfio::KernelDevice device_;
  DeviceWatch watch_;
  std::optional<PinnedDevice> pinned_;
  std::optional<vfio::AssignedFunction> function_;
  pci::RootBus* bus_ = nullptr;
  std::chrono::steady_clock::time_point attached_;
};

}  // namespace strait
