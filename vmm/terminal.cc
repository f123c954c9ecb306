#include "vmm/terminal.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "base/syscall.h"

namespace strait {
namespace {

constexpr std::uint8_t kEscape = 'A' & 0x1f;

termios original_terminal;
constexpr int kFaults[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE};

/// Only what is safe in a signal handler: restore, then die as before.
void restore_and_die(int signal) {
  ::tcsetattr(STDIN_FILENO, TCSANOW, &original_terminal);
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

/// In the background, changing the terminal would stop the process (SIGTTOU), and its settings are the shell's.
bool in_foreground() { return ::tcgetpgrp(STDIN_FILENO) == ::getpgrp(); }

}  // namespace

RawTerminal::RawTerminal() {
  if (::tcgetattr(STDIN_FILENO, &original_terminal) < 0 || !in_foreground()) return;
  termios raw = original_terminal;
  ::cfmakeraw(&raw);
  raw.c_oflag = original_terminal.c_oflag;  // our own messages still want their carriage returns
  active_ = ::tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
  if (!active_) return;
  for (const int fault : kFaults) ::signal(fault, restore_and_die);
}

RawTerminal::~RawTerminal() {
  if (!active_) return;
  for (const int fault : kFaults) ::signal(fault, SIG_DFL);
  if (in_foreground()) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &original_terminal);
}

bool EscapeFilter::filter(std::span<const std::uint8_t> typed, std::vector<std::uint8_t>& out) {
  for (const std::uint8_t byte : typed) {
    if (escaped_) {
      escaped_ = false;
      if (byte == 'x' || byte == 'X') return true;
      out.push_back(kEscape);
      if (byte == kEscape) continue;
    } else if (byte == kEscape) {
      escaped_ = true;
      continue;
    }
    out.push_back(byte);
  }
  return false;
}

void StandardOutput::write(std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (written > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd ready = {.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
      ::poll(&ready, 1, 100);
    } else if (errno != EINTR) {
      return;
    }
    if (end_.ended()) return;
  }
}

ConsoleInput::ConsoleInput(EventLoop& loop, Receive receive, std::function<void()> on_leave)
    : loop_(loop), receive_(std::move(receive)), on_leave_(std::move(on_leave)), room_(make_eventfd()), terminal_(::isatty(STDIN_FILENO) == 1) {
  loop_.add(room_.get(), [this] {
    drain_eventfd(room_.get());
    pass_on();
    while (!waitable_ && wants_more()) take_in();
  });
  // Reading a terminal from the background stops the process; with the signal ignored it is an error, and so the end of the input.
  ::signal(SIGTTIN, SIG_IGN);
  waitable_ = watching_ = loop_.add(STDIN_FILENO, [this] { take_in(); });
  if (!waitable_) resume();
}

void ConsoleInput::resume() { signal_eventfd(room_.get()); }

/// One read; false at the end of the input.
bool ConsoleInput::read_more() {
  std::array<std::uint8_t, 1024> buffer;
  const ssize_t size = ::read(STDIN_FILENO, buffer.data(), buffer.size());
  if (size < 0) return errno == EINTR || errno == EAGAIN;
  if (size == 0) return false;
  const auto typed = std::span(buffer).first(static_cast<std::size_t>(size));
  if (!terminal_) {
    waiting_.insert(waiting_.end(), typed.begin(), typed.end());
  } else if (escape_.filter(typed, waiting_)) {
    on_leave_();
    return false;
  }
  return true;
}

void ConsoleInput::take_in() {
  ended_ = !read_more();
  pass_on();
}

void ConsoleInput::pass_on() {
  const std::size_t taken = receive_(waiting_);
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(taken));
  const bool watch = waitable_ && wants_more();
  if (watch && !watching_) loop_.add(STDIN_FILENO, [this] { take_in(); });
  if (!watch && watching_) loop_.remove(STDIN_FILENO);
  watching_ = watch;
}

}  // namespace strait
