#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "base/cpu_set.h"
#include "host/bdf.h"

namespace strait::binding {

/// Keeps the host's interrupts of one function on some processors (/proc/irq/N/smp_affinity_list). Interrupts for messages begin and end
/// with their use; that of the pin was there before, and is put back. Any thread.
class InterruptAffinity {
 public:
  /// `sysfs` and `procfs` are mount points, other directories in tests.
  InterruptAffinity(const host::Bdf& bdf, const CpuSet& cpus, std::filesystem::path sysfs = "/sys", std::filesystem::path procfs = "/proc");
  /// Puts the pin's interrupt back.
  ~InterruptAffinity();
  InterruptAffinity(const InterruptAffinity&) = delete;
  InterruptAffinity& operator=(const InterruptAffinity&) = delete;

  /// Moves the interrupts of messages that have come since the last call. What cannot be moved stays where it is, with one warning.
  void place_messages();
  /// The device's messages were turned off: those that come with the same numbers are others.
  void forget_messages();
  /// Moves the pin's interrupt, which is in use, unless others' devices share it; and puts it back, unless somebody else moved it meanwhile.
  void place_pin();
  void put_back_pin();

 private:
  int write(unsigned interrupt, const std::string& cpus);

  const std::string name_;
  const std::string cpus_;
  const std::filesystem::path device_, interrupts_;
  std::mutex mutex_;
  std::set<unsigned> messages_;            ///< those that were moved, or could not be
  struct Move {
    std::string before, after;
  };
  std::map<unsigned, Move> moved_;  ///< the pin's
  bool warned_ = false;
};

}  // namespace strait::binding
