#pragma once

#include <chrono>
#include <functional>
#include <map>

#include "vmm/timer.h"

namespace strait {

/// Slots that the guest was asked to let go of, until it does or time is up. The event loop's thread.
class Removals {
 public:
  /// `on_give_up` is called when time is up.
  Removals(EventLoop& loop, std::function<void(unsigned slot)> on_give_up);

  /// The guest has been asked. False where it already was; then the shorter patience holds.
  bool start(unsigned slot, std::chrono::milliseconds patience);
  /// The guest let go, or is no more.
  void finish(unsigned slot);
  bool under_way(unsigned slot) const { return deadlines_.contains(slot); }

 private:
  using Clock = std::chrono::steady_clock;
  void set_timer();
  void look();

  std::function<void(unsigned)> on_give_up_;
  Timer timer_;
  std::map<unsigned, Clock::time_point> deadlines_;
};

}  // namespace strait
