#pragma once

#include <chrono>
#include <functional>
#include <map>

#include "vmm/timer.h"

namespace strait {

/// A deadline for each of some slots of the guest's bus. The event loop's thread.
class SlotTimers {
 public:
  SlotTimers(EventLoop& loop, std::function<void(unsigned slot)> on_time_up);

  /// Calls `on_time_up` that much later. False where the slot had a deadline already; then the earlier holds.
  bool start(unsigned slot, std::chrono::milliseconds patience);
  /// Nobody waits for the slot any more.
  void finish(unsigned slot);
  bool under_way(unsigned slot) const { return deadlines_.contains(slot); }

 private:
  using Clock = std::chrono::steady_clock;
  void set_timer();
  void look();

  std::function<void(unsigned)> on_time_up_;
  Timer timer_;
  std::map<unsigned, Clock::time_point> deadlines_;
};

}  // namespace strait
