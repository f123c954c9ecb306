#include "vmm/removals.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/error.h"

namespace strait {

Removals::Removals(EventLoop& loop, std::function<void(unsigned)> on_give_up)
    : loop_(loop), on_give_up_(std::move(on_give_up)), timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  if (!timer_) throw Error::from_errno(errno, "creating a timerfd");
  loop_.add(timer_.get(), [this] { look(); });
}

Removals::~Removals() { loop_.remove(timer_.get()); }

bool Removals::start(unsigned slot, std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  const auto [entry, is_new] = deadlines_.emplace(slot, deadline);
  entry->second = std::min(entry->second, deadline);
  set_timer();
  return is_new;
}

void Removals::finish(unsigned slot) { deadlines_.erase(slot); }

void Removals::set_timer() {
  if (deadlines_.empty()) return;
  const auto soonest = std::ranges::min_element(deadlines_, {}, [](const auto& entry) { return entry.second; })->second;
  const auto wait = std::max<std::chrono::nanoseconds>(soonest - Clock::now(), std::chrono::milliseconds(1));
  itimerspec spec = {};
  spec.it_value.tv_sec = wait.count() / 1'000'000'000;
  spec.it_value.tv_nsec = wait.count() % 1'000'000'000;
  ::timerfd_settime(timer_.get(), 0, &spec, nullptr);
}

void Removals::look() {
  std::uint64_t expirations = 0;
  [[maybe_unused]] const ssize_t size = ::read(timer_.get(), &expirations, sizeof expirations);
  std::vector<unsigned> late;
  for (const auto& [slot, deadline] : deadlines_) {
    if (deadline <= Clock::now()) late.push_back(slot);
  }
  for (const unsigned slot : late) deadlines_.erase(slot);
  set_timer();
  for (const unsigned slot : late) on_give_up_(slot);
}

}  // namespace strait
