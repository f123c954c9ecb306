#include "vmm/slot_timers.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace strait {

SlotTimers::SlotTimers(EventLoop& loop, std::function<void(unsigned)> on_time_up)
    : on_time_up_(std::move(on_time_up)), timer_(loop, [this] { look(); }) {}

bool SlotTimers::start(unsigned slot, std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  const auto [entry, is_new] = deadlines_.emplace(slot, deadline);
  entry->second = std::min(entry->second, deadline);
  set_timer();
  return is_new;
}

void SlotTimers::finish(unsigned slot) { deadlines_.erase(slot); }

void SlotTimers::set_timer() {
  if (deadlines_.empty()) return;
  const auto soonest = std::ranges::min_element(deadlines_, {}, [](const auto& entry) { return entry.second; })->second;
  timer_.set(soonest - Clock::now());
}

void SlotTimers::look() {
  std::vector<unsigned> late;
  for (const auto& [slot, deadline] : deadlines_) {
    if (deadline <= Clock::now()) late.push_back(slot);
  }
  for (const unsigned slot : late) deadlines_.erase(slot);
  set_timer();
  for (const unsigned slot : late) on_time_up_(slot);
}

}  // namespace strait
