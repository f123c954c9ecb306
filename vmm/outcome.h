#pragma once

#include <string>

namespace strait {

/// strait's exit codes: others script against them.
namespace exit_code {
inline constexpr int kGuestOff = 0;      ///< the guest powered off, or asked for a reboot
inline constexpr int kFailed = 1;        ///< strait could not start the guest
inline constexpr int kUsage = 2;         ///< wrong usage
inline constexpr int kGuestCrashed = 3;  ///< triple fault, KVM internal error
inline constexpr int kTimeout = 4;
inline constexpr int kGuestPanic = 5;
inline constexpr int kDeviceLost = 6;
inline constexpr int kVerdict = 64;  ///< plus the guest's own result, 0 to 31
inline constexpr int kSignal = 128;  ///< plus the signal's number
inline constexpr int kMaxVerdict = 31;
}  // namespace exit_code

/// How a run ended: the exit code, and why, for the log and the metrics.
struct Outcome {
  int code = exit_code::kGuestOff;
  std::string reason;
  bool reboot = false;  ///< the guest asked for one: the end of a boot, and of the run only where nobody starts the next
};

inline Outcome ended_by(int signal) { return {.code = exit_code::kSignal + signal, .reason = "ended by signal " + std::to_string(signal)}; }

}  // namespace strait
