#pragma once

#include <termios.h>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "devices/serial.h"
#include "vmm/end_of_run.h"
#include "vmm/event_loop.h"

namespace strait {

/// Standard input in raw mode, where it is a terminal that is ours to set; as it was before when this goes, and also when the process
/// dies of a fault.
class RawTerminal {
 public:
  RawTerminal();
  ~RawTerminal();
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

 private:
  bool active_ = false;
};

/// Finds the escape in what is typed: Ctrl-A x leaves, Ctrl-A Ctrl-A is one Ctrl-A, Ctrl-A and anything else is both. Pure.
class EscapeFilter {
 public:
  /// Appends to `out` what the guest gets. True where the user asked to leave; what follows is dropped.
  bool filter(std::span<const std::uint8_t> typed, std::vector<std::uint8_t>& out);

 private:
  bool escaped_ = false;
};

/// Standard output as the guest's console.
class StandardOutput : public ConsoleOutput {
 public:
  explicit StandardOutput(const EndOfRun& end) : end_(end) {}
  /// Waits where the reader is slow, as a real line would; gives up when the run ends or the reader is gone.
  void write(std::span<const std::uint8_t> bytes) override;

 private:
  const EndOfRun& end_;
};

/// Feeds standard input to the serial port: from the event loop, as fast as the guest takes it. The loop is never kept waiting for a key:
/// what it can watch is read only when it says so; the rest (a regular file) is always readable.
class ConsoleInput {
 public:
  /// `receive` is the serial port: it takes as much as it has room for, and says how much that was. `on_leave` is called when the user typed
  /// the escape; only looked for on a terminal.
  using Receive = std::function<std::size_t(std::span<const std::uint8_t>)>;
  ConsoleInput(EventLoop& loop, Receive receive, std::function<void()> on_leave);
  /// The serial port has room again, or is another. Any thread.
  void resume();

 private:
  bool read_more();
  /// Reads what standard input has, and passes it on. Waits where it has nothing.
  void take_in();
  /// Gives the guest what it takes of what was read. Standard input is watched only while nothing of that is left: the back-pressure.
  void pass_on();
  bool wants_more() const { return waiting_.empty() && !ended_; }

  EventLoop& loop_;
  Receive receive_;
  std::function<void()> on_leave_;
  UniqueFd room_;
  const bool terminal_;
  bool waitable_ = false;  ///< the loop can watch standard input
  bool watching_ = false;
  bool ended_ = false;
  EscapeFilter escape_;
  std::vector<std::uint8_t> waiting_;
};

}  // namespace strait
