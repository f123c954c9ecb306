#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/guest_memory.h"
#include "boot/entry_state.h"
#include "kvm/coalesced_writes.h"
#include "kvm/io_eventfds.h"
#include "kvm/irq_router.h"
#include "kvm/kvm.h"
#include "kvm/memory_slots.h"
#include "kvm/unbatched_router.h"
#include "kvm/user_irq_router.h"
#include "kvm/vcpu.h"
#include "kvm/vm.h"
#include "vfio/container.h"
#include "vfio/peer_slots.h"
#include "vmm/address_plan.h"
#include "vmm/assignment.h"
#include "vmm/device_facts.h"
#include "vmm/dma_host.h"
#include "vmm/end_of_run.h"
#include "vmm/event_loop.h"
#include "vmm/metrics.h"
#include "vmm/options.h"
#include "vmm/placement.h"
#include "vmm/platform.h"
#include "vmm/vcpu_thread.h"

namespace strait {

/// What a board is built on, and leaves standing when it goes.
struct BoardGround {
  const RunOptions& options;
  const kvm::Kvm& kvm;
  const AddressPlan& plan;
  const Placement& placement;
  const GuestMemory& memory;
  const std::vector<DeviceSpec>& devices;  ///< what is assigned now, each with its slot; they have joined
  DmaHost& dma;
  ConsoleOutput& console;
  std::function<void()> on_console_space;
  std::function<void(std::uint32_t slots)> on_eject;   ///< the guest let go of slots; called by vCPU threads
  std::function<void(const DeviceSpec&)> on_request;  ///< the host wants a device back; called by the event loop, again and again
  EndOfRun& end;
  EventLoop& loop;
  PhaseClock& clock;
};

/// Everything of a machine that a reset puts back to its beginning: VM, emulated devices, assigned devices, vCPUs. It is made anew for every
/// boot of the guest, so nothing of the one before is left: opening a device resets it, and so does closing it, each time by the best way
/// there is for it. The event loop's thread. Members go from the last to the first, so vCPU threads end before devices, and devices before
/// the VM.
class Board {
 public:
  /// Throws Error. `ground` outlives the board.
  explicit Board(const BoardGround& ground);
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  /// Lets the vCPUs run, the first from `entry`.
  void start(const boot::EntryState& entry);
  /// Stops the vCPUs and waits for them. Nothing of the guest runs any more, devices are still there.
  void stop();

  /// Devices that have just joined go into their slots, which are empty, and the guest is told. Throws Error.
  void plug(std::span<const DeviceSpec> devices);
  /// Asks the guest to let go of a slot. It may not listen.
  void ask_for(unsigned slot);
  /// It need not, if it has not heard yet.
  void ask_no_longer_for(unsigned slot) { platform_->slot_events.forget(slot); }
  /// Takes the devices in a slot away from the guest, whether it let go or not, and closes them. Throws Error, and nothing has changed, where
  /// a vCPU does not pause.
  void unplug(unsigned slot);
  /// Those that are gone from the bus, whether the host's kernel knows or not.
  std::vector<DeviceSpec> missing_devices() const;
  /// With the last device unplugged: the container is about to be closed.
  void leave_container();

  Serial& serial() { return platform_->serial; }
  void press_power_button() { platform_->power.press_power_button(); }
  /// What is known of each device, but for what only the machine knows.
  std::vector<DeviceFacts> facts() const;
  /// What was counted since the board was made.
  nlohmann::json metrics() const;

 private:
  void make_vm();
  void open_devices();
  void enter_container();
  std::vector<std::unique_ptr<Assignment>> open(std::span<const DeviceSpec> devices);
  DeviceWatch::Handlers watch_handlers(const DeviceSpec& device);
  InterruptRouter& router_of(const DeviceSpec& device);
  vfio::FunctionHost function_host(const DeviceSpec& device);
  void make_vcpus();

  const BoardGround& ground_;
  std::unique_ptr<kvm::Vm> vm_;
  bool mwait_ = false;  ///< the guest may wait with MWAIT
  std::unique_ptr<kvm::KvmMemorySlots> slots_;
  std::unique_ptr<kvm::IrqRouter> router_;
  std::unique_ptr<kvm::UnbatchedRouter> unbatched_router_;
  std::unique_ptr<kvm::UserIrqRouter> user_router_;  ///< none, and so no thread, where no device asks for it
  std::unique_ptr<kvm::KvmIoEventfds> io_eventfds_;
  std::unique_ptr<Platform> platform_;
  std::optional<vfio::Container::Observation> groups_;
  std::unique_ptr<vfio::PeerSlots> peer_slots_;
  std::vector<std::unique_ptr<Assignment>> assignments_;
  nlohmann::json former_assignments_ = nlohmann::json::array();  ///< what was counted of those that were unplugged
  std::vector<std::unique_ptr<kvm::Vcpu>> vcpus_;
  std::optional<kvm::CoalescedWrites> coalesced_;
  std::optional<std::chrono::steady_clock::time_point> started_;  ///< when the vCPUs began to run
  std::vector<std::unique_ptr<VcpuThread>> threads_;
};

}  // namespace strait
