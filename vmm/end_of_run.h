#pragma once

#include <atomic>
#include <mutex>

#include "base/syscall.h"
#include "base/unique_fd.h"
#include "vmm/outcome.h"

namespace strait {

/// Where everything that can end a run says so: the first word counts, but a guest's reboot gives way to whatever else is said before the
/// next boot begins. Any thread.
class EndOfRun {
 public:
  EndOfRun() : eventfd_(make_eventfd()) {}

  /// True where this was the first word.
  bool end(Outcome outcome) {
    const std::lock_guard lock(mutex_);
    if (ended_ && (!outcome_.reboot || outcome.reboot)) return false;
    outcome_ = std::move(outcome);
    ended_ = true;
    signal_eventfd(eventfd_.get());
    return true;
  }
  bool ended() const { return ended_; }
  /// The run goes on after a reboot; false where something else ended it.
  bool next_boot() {
    const std::lock_guard lock(mutex_);
    if (!ended_ || !outcome_.reboot) return false;
    ended_ = false;
    drain_eventfd(eventfd_.get());
    return true;
  }
  /// Readable from the end on.
  int eventfd() const { return eventfd_.get(); }
  Outcome outcome() const {
    const std::lock_guard lock(mutex_);
    return outcome_;
  }

 private:
  mutable std::mutex mutex_;
  std::atomic<bool> ended_ = false;
  Outcome outcome_;
  UniqueFd eventfd_;
};

}  // namespace strait
