#pragma once

#include <atomic>
#include <string_view>

#include <fmt/format.h>

namespace strait::log {

enum class Level { kDebug, kInfo, kWarning, kError, kOff };

/// Sets what is shown; kWarning at first. Lines go to standard error, so they never mix with the guest's console.
void set_level(Level level);
bool enabled(Level level);
/// Any thread.
void write(Level level, std::string_view line);

/// How often a line that a guest can cause is written: the log must not grow as the guest likes. One object for each kind of line; what
/// comes after its last line is dropped. Any thread.
class Budget {
 public:
  bool take() { return left_.load(std::memory_order_relaxed) > 0 && left_.fetch_sub(1, std::memory_order_relaxed) > 0; }

 private:
  std::atomic<int> left_ = 10;
};

template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kDebug)) write(Level::kDebug, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kInfo)) write(Level::kInfo, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kWarning)) write(Level::kWarning, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kError)) write(Level::kError, fmt::format(format, std::forward<Args>(args)...));
}

/// The same as warning(), within a budget.
template <typename... Args>
void warning(Budget& budget, fmt::format_string<Args...> format, Args&&... args) {
  if (budget.take()) warning(format, std::forward<Args>(args)...);
}

}  // namespace strait::log
