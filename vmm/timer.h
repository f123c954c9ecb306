#pragma once

#include <chrono>
#include <functional>

#include "base/unique_fd.h"
#include "vmm/event_loop.h"

namespace strait {

/// Calls somebody when a time has passed. The event loop's thread, or before it runs.
class Timer {
 public:
  /// Not set at first. Throws Error.
  Timer(EventLoop& loop, std::function<void()> handler);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// `handler` is called once, after `delay`, which replaces what was set before; as soon as can be where it is not positive.
  void set(std::chrono::nanoseconds delay);

 private:
  EventLoop& loop_;
  UniqueFd fd_;
};

}  // namespace strait
