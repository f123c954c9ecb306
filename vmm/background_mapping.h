#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/guest_memory.h"
#include "vfio/dma_space.h"
#include "vmm/end_of_run.h"
#include "vmm/metrics.h"

namespace strait {

/// Makes the guest's memory present and maps it for DMA beside the guest's first steps: zeroing and pinning is the longest part of a
/// start, and no device does DMA before its driver makes it a bus master. Whoever lets that happen waits here
/// first. A failure ends the run. Any thread may wait.
class BackgroundMapping {
 public:
  BackgroundMapping(const GuestMemory& memory, vfio::DmaSpace& space, EndOfRun& end, PhaseClock& clock);
  /// Gives up what has not been done yet.
  ~BackgroundMapping();

  /// Waits until all memory is mapped; false when the run ends first.
  bool wait();
  /// Gives up, and waits until nothing is under way any more.
  void stop();

 private:
  void run(const std::stop_token& stop);

  const GuestMemory& memory_;
  vfio::DmaSpace& space_;
  EndOfRun& end_;
  PhaseClock& clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool mapped_ = false;
  std::jthread thread_;
};

}  // namespace strait
