#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace strait::test {

/// What fakes were asked to do, in order: tests compare it with what should have happened. Any thread.
class Journal {
 public:
  template <typename... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(fmt::format(format, std::forward<Args>(args)...));
  }
  /// Everything since the last call.
  std::vector<std::string> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(lines_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

using Lines = std::vector<std::string>;

}  // namespace strait::test
