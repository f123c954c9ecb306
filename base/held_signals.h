#pragma once

#include <csignal>

namespace strait {

/// Holds back the signals that people end a program with (SIGTERM, SIGINT, SIGHUP, SIGQUIT; not those that are ignored already, as under
/// nohup) while this lives: nothing that must not be left half done is interrupted. What came meanwhile is delivered afterwards, unless
/// next() took it. For the calling thread and those that it starts from then on. SIGPIPE is ignored so long, in the whole process: whoever
/// reads what it says may go. One lies within another's life, or they do not overlap.
class HeldSignals {
 public:
  HeldSignals();
  ~HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

  const sigset_t& set() const { return held_; }
  /// Takes one that came; its number, 0 for none.
  int next() const;
  /// Whether one came that is held back in this thread, by whomever.
  static bool is_pending();

 private:
  sigset_t held_{}, before_{};
  struct sigaction pipe_before_ {};
};

/// Leaves all signals to other threads, for the calling thread and those that it starts.
void block_all_signals();

}  // namespace strait
