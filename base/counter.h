#pragma once

#include <atomic>
#include <cstdint>

namespace strait {

/// An event count that any thread may add to and read; relaxed, because it orders nothing.
class Counter {
 public:
  void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

}  // namespace strait
