#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/guest_memory.h"
#include "boot/loader.h"
#include "kvm/kvm.h"
#include "vfio/container.h"
#include "vmm/address_plan.h"
#include "vmm/background_mapping.h"
#include "vmm/board.h"
#include "vmm/end_of_run.h"
#include "vmm/event_loop.h"
#include "vmm/metrics.h"
#include "vmm/options.h"

namespace strait {

/// One virtual machine with everything it owns. Memory, its mapping for DMA and the kernel's image last as long as the run; the board is
/// made anew for every boot. Members go from the last to the first, so vCPU threads end before devices, devices before their DMA space, and
/// that before the memory it maps. The event loop's thread.
class Machine {
 public:
  /// Builds the machine up to the kernel's first instruction. Throws Error.
  Machine(const RunOptions& options, ConsoleOutput& console, std::function<void()> on_console_space, EndOfRun& end, EventLoop& loop, PhaseClock& clock);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  /// Lets the vCPUs run, and maps memory for DMA beside them.
  void start();
  /// Stops the vCPUs and waits for them. Nothing of the guest runs any more, devices are still there.
  void stop();
  /// After stop(): resets devices, so that none of their DMA is under way any more, then loads the kernel anew. start() follows. Throws Error,
  /// which leaves a machine that cannot be started.
  void reboot();

  Board& board() { return *board_; }
  void add_to(nlohmann::json& metrics) const;

 private:
  void join_groups();
  boot::EntryState load_kernel(boot::MemoryState memory);
  void make_board(boot::MemoryState memory);

  const RunOptions options_;
  EndOfRun& end_;
  PhaseClock& clock_;

  kvm::Kvm kvm_;
  AddressPlan plan_;
  std::unique_ptr<GuestMemory> memory_;
  std::unique_ptr<vfio::Container> container_;
  std::unique_ptr<BackgroundMapping> mapping_;
  std::optional<boot::Image> image_;
  std::optional<BoardGround> ground_;
  nlohmann::json past_boards_;
  unsigned reboots_ = 0;
  boot::EntryState entry_;
  std::unique_ptr<Board> board_;
};

}  // namespace strait
