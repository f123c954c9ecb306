#pragma once

#include <array>
#include <chrono>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/unique_fd.h"

namespace strait {

/// When each phase of the first start was reached, on the monotonic clock. Each mark is set by one thread; the first time counts.
class PhaseClock {
 public:
  enum Phase { kStart, kVmMade, kMemoryReady, kDmaMapped, kDevicesReady, kVcpusMade, kKernelLoaded, kFirstEntry, kEnd, kPhases };

  PhaseClock() { mark(kStart); }
  void mark(Phase phase) {
    if (marks_[phase] == std::chrono::steady_clock::time_point()) marks_[phase] = std::chrono::steady_clock::now();
  }
  /// Seconds since kStart by phase name, and kStart itself in seconds of CLOCK_MONOTONIC.
  void add_to(nlohmann::json& metrics) const;

 private:
  std::array<std::chrono::steady_clock::time_point, kPhases> marks_{};
};

/// Adds every number of `more` to its counterpart in `total`, and brings in what is not there yet. Elements of arrays are counterparts where
/// they have the same "name", or else the same place. Pure.
void add_counts(nlohmann::json& total, const nlohmann::json& more);

/// The file of --metrics: opened before the guest starts, so that a wrong path is an error then, and written when the run has ended.
class MetricsFile {
 public:
  /// Empty for none. Throws Error.
  explicit MetricsFile(const std::string& path);
  /// Takes a file away that it made and never wrote.
  ~MetricsFile();
  MetricsFile(const MetricsFile&) = delete;
  MetricsFile& operator=(const MetricsFile&) = delete;
  explicit operator bool() const { return static_cast<bool>(fd_); }
  void write(const nlohmann::json& metrics);

 private:
  std::string unwritten_;  ///< the path, as long as the file is new and empty
  UniqueFd fd_;
};

}  // namespace strait
