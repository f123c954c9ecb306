#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdint>

#include "base/counter.h"

namespace strait {

/// How long a vCPU was kept out of its guest by its exits to user space, from KVM_RUN's return to the next entry, as a histogram. One thread
/// adds, any reads.
class ExitTimes {
 public:
  using Clock = std::chrono::steady_clock;
  /// Bucket 0 counts what took less than 1 us, bucket n what took 2^(n-1) us and less than 2^n us, the last also all that took longer.
  static constexpr std::size_t kBuckets = 24;

  /// Times from its construction to its end.
  class Timer {
   public:
    explicit Timer(ExitTimes& times) : times_(times), start_(Clock::now()) {}
    ~Timer() { times_.add(Clock::now() - start_); }
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

   private:
    ExitTimes& times_;
    const Clock::time_point start_;
  };

  void add(Clock::duration time) {
    const auto us = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(time).count());
    buckets_[std::min<std::size_t>(std::bit_width(us), kBuckets - 1)].add();
  }
  const std::array<Counter, kBuckets>& buckets() const { return buckets_; }

 private:
  std::array<Counter, kBuckets> buckets_;
};

}  // namespace strait
