#include "vmm/timer.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.h"

namespace strait {

Timer::Timer(EventLoop& loop, std::function<void()> handler)
    : loop_(loop), fd_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  if (!fd_) throw Error::from_errno(errno, "creating a timerfd");
  loop_.add(fd_.get(), [this, handler = std::move(handler)] {
    std::uint64_t expirations = 0;
    // A handler of the same round may have set it again: then its time is yet to come.
    if (::read(fd_.get(), &expirations, sizeof expirations) == sizeof expirations) handler();
  });
}

Timer::~Timer() { loop_.remove(fd_.get()); }

void Timer::set(std::chrono::nanoseconds delay) {
  using namespace std::chrono;
  delay = std::max(delay, nanoseconds(1));  // 0 would mean never
  const auto whole = floor<seconds>(delay);
  itimerspec spec = {};
  spec.it_value.tv_sec = whole.count();
  spec.it_value.tv_nsec = (delay - whole).count();
  ::timerfd_settime(fd_.get(), 0, &spec, nullptr);
}

}  // namespace strait
