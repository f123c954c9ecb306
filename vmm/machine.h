#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/guest_memory.h"
#include "boot/loader.h"
#include "kvm/coalesced_writes.h"
#include "kvm/irq_router.h"
#include "kvm/kvm.h"
#include "kvm/memory_slots.h"
#include "kvm/vcpu.h"
#include "kvm/vm.h"
#include "vfio/assigned_function.h"
#include "vfio/container.h"
#include "vfio/kernel_device.h"
#include "vfio/peer_slots.h"
#include "vmm/address_plan.h"
#include "vmm/background_mapping.h"
#include "vmm/end_of_run.h"
#include "vmm/metrics.h"
#include "vmm/options.h"
#include "vmm/platform.h"
#include "vmm/vcpu_thread.h"

namespace strait {

/// One virtual machine with everything it owns, in the order in which it must not be taken apart: members go from the last to the first,
/// so vCPU threads end before devices, devices before their DMA space, and that before the memory it maps.
class Machine {
 public:
  /// Builds the machine up to the kernel's first instruction. Throws Error.
  Machine(const RunOptions& options, ConsoleOutput& console, std::function<void()> on_console_space, EndOfRun& end, PhaseClock& clock);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  /// Lets the vCPUs run, and maps memory for DMA beside them.
  void start();
  /// Stops the vCPUs and waits for them, and for the mapping of memory. Nothing of the guest runs any more, devices are still there.
  void stop();

  Serial& serial() { return platform_->serial; }
  /// What the host may have to say of a device while the guest runs: readable once it has.
  struct HostEvent {
    UniqueFd eventfd;
    std::string what;
  };
  const std::vector<HostEvent>& host_events() const { return host_events_; }
  void press_power_button() { platform_->power.press_power_button(); }
  void add_to(nlohmann::json& metrics) const;

 private:
  void join_groups();
  boot::EntryState load_kernel();
  void make_vm(ConsoleOutput& console, std::function<void()> on_console_space);
  void open_devices();
  vfio::FunctionHost function_host(const DeviceSpec& device, unsigned slot);
  void make_vcpus();
  void watch_host_events(vfio::AssignedDevice& device);

  const RunOptions options_;
  EndOfRun& end_;
  PhaseClock& clock_;

  kvm::Kvm kvm_;
  AddressPlan plan_;
  std::unique_ptr<GuestMemory> memory_;
  std::unique_ptr<kvm::Vm> vm_;
  std::unique_ptr<kvm::KvmMemorySlots> slots_;
  std::unique_ptr<kvm::IrqRouter> router_;
  std::unique_ptr<Platform> platform_;
  std::unique_ptr<vfio::Container> container_;
  std::unique_ptr<vfio::PeerSlots> peer_slots_;
  std::unique_ptr<BackgroundMapping> mapping_;
  std::vector<HostEvent> host_events_;
  std::vector<std::unique_ptr<vfio::KernelDevice>> devices_;
  std::vector<std::unique_ptr<vfio::AssignedFunction>> functions_;
  std::vector<std::unique_ptr<kvm::Vcpu>> vcpus_;
  std::optional<kvm::CoalescedWrites> coalesced_;
  std::optional<boot::Image> image_;
  std::vector<std::unique_ptr<VcpuThread>> threads_;
};

}  // namespace strait
