#pragma once

#include <chrono>
#include <thread>

namespace strait::binding {

/// Asks again and again whether `condition` is met. False where it is not yet after so long.
template <typename Condition>
bool await(std::chrono::milliseconds patience, Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return true;
}

}  // namespace strait::binding
