#pragma once

#include <cstdint>
#include <ctime>

namespace strait::binding {

/// Since the host booted, in seconds: it goes on while the host sleeps, as lifetimes do.
inline std::int64_t seconds_since_boot() {
  timespec time = {};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return time.tv_sec;
}

}  // namespace strait::binding
