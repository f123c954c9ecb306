#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/guest_memory.h"
#include "base/unique_fd.h"
#include "boot/loader.h"
#include "kvm/kvm.h"
#include "vmm/address_plan.h"
#include "vmm/board.h"
#include "vmm/dma_host.h"
#include "vmm/end_of_run.h"
#include "vmm/event_loop.h"
#include "vmm/metrics.h"
#include "vmm/options.h"
#include "vmm/placement.h"
#include "vmm/slot_timers.h"

namespace strait {

/// One virtual machine with everything it owns. Memory, its mapping for DMA and the kernel's image last as long as the run; the board is
/// made anew for every boot. Members go from the last to the first, so vCPU threads end before devices, devices before their DMA space, and
/// that before the memory it maps. The event loop's thread.
class Machine {
 public:
  /// Builds the machine up to the kernel's first instruction. Throws Error.
  Machine(const RunOptions& options, Placement placement, ConsoleOutput& console, std::function<void()> on_console_space, EndOfRun& end,
          EventLoop& loop, PhaseClock& clock);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  /// Lets the vCPUs run, and maps memory for DMA beside them.
  void start();
  /// Stops the vCPUs and waits for them. Nothing of the guest runs any more, devices are still there.
  void stop();
  /// After stop(), before reboot(): a device that is gone from the bus ends the run, unless it was to go anyway.
  void require_devices();
  /// After stop(): resets devices, so that none of their DMA is under way any more, then loads the kernel anew. start() follows. Throws Error,
  /// which leaves a machine that cannot be started.
  void reboot();

  /// Assigns one more device while the guest runs, and what comes with it (group=). Throws Error, and nothing has changed.
  void add_device(const DeviceSpec& device);
  /// Asks the guest to let go of a device, and gives it back to the host when it does. Throws Error where there is none with that address.
  void remove_device(const host::Bdf& bdf);
  const std::vector<DeviceSpec>& devices() const { return devices_; }
  /// The guest was asked for it, and has not yet let go.
  bool is_leaving(const DeviceSpec& device) const { return removals_.under_way(device.address.slot); }

  /// What is known of each device. Waits for nobody.
  std::vector<DeviceFacts> facts() const;

  Board& board() { return *board_; }
  void add_to(nlohmann::json& metrics);

 private:
  boot::EntryState load_kernel(boot::MemoryState memory);
  void prefault();
  void make_board(boot::MemoryState memory);
  void ask_for(unsigned slot, std::chrono::seconds patience);
  void remind(unsigned slot);
  void give_back(const DeviceSpec& device);
  void release_ejected();
  void release(unsigned slot);
  void leave_unused_groups();
  void give_up(unsigned slot);
  void tell_return(const DeviceSpec& device) const;

  const RunOptions options_;
  EndOfRun& end_;
  EventLoop& loop_;
  PhaseClock& clock_;

  kvm::Kvm kvm_;
  std::vector<DeviceSpec> devices_;  ///< each with its slot
  Placement placement_;
  AddressPlan plan_;
  std::unique_ptr<GuestMemory> memory_;
  bool memory_is_present_ = false;  ///< before the guest ran
  std::chrono::nanoseconds prefault_time_{0};
  DmaHost dma_;
  std::optional<boot::Image> image_;
  UniqueFd ejected_;
  std::atomic<std::uint32_t> ejected_slots_ = 0;  ///< the guest let go of them, and they were not released yet
  std::uint32_t wanted_slots_ = 0;  ///< the host wants back what is in them
  SlotTimers removals_;   ///< the guest was asked to let go
  SlotTimers reminders_;  ///< it is asked again: one that is booting may not have listened
  SlotTimers retries_;    ///< it let go, but could not be paused
  std::optional<BoardGround> ground_;
  nlohmann::json past_boards_;
  unsigned reboots_ = 0;
  boot::EntryState entry_;
  std::unique_ptr<Board> board_;
};

}  // namespace strait
