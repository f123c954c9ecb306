#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "base/guest_memory.h"
#include "vfio/dma_space.h"

namespace strait {

/// Makes the guest's memory present and maps it for DMA beside the guest's first steps: zeroing and pinning is the longest part of a
/// start, and no device does DMA before its driver makes it a bus master. Whoever lets that happen waits here
/// first. Any thread may wait.
class BackgroundMapping {
 public:
  /// Called by a thread of its own.
  struct Handlers {
    std::function<void()> on_present;  ///< all memory is there
    std::function<void()> on_mapped;
    std::function<void(const std::string& why)> on_failure;  ///< it will not be mapped
    std::function<bool()> is_over;                           ///< nobody needs it any more: whoever waits need not
  };
  /// `threads` make memory present; 0 where it is.
  BackgroundMapping(const GuestMemory& memory, vfio::DmaSpace& space, unsigned threads, Handlers handlers);
  /// Gives up what has not been done yet.
  ~BackgroundMapping();

  /// Waits until all memory is mapped; false when it will not be.
  bool wait();
  /// It is known that memory will not be mapped.
  bool failed();
  /// Gives up, and waits until nothing is under way any more.
  void stop();

 private:
  void run(const std::stop_token& stop);

  const GuestMemory& memory_;
  vfio::DmaSpace& space_;
  const unsigned threads_;
  const Handlers handlers_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool mapped_ = false, failed_ = false;
  std::jthread thread_;
};

}  // namespace strait
