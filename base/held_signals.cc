#include "base/held_signals.h"

#include <pthread.h>

#include <algorithm>
#include <ctime>

namespace strait {
namespace {

constexpr int kSignals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};

}  // namespace

HeldSignals::HeldSignals() {
  ::sigemptyset(&held_);
  for (const int signal : kSignals) {
    struct sigaction current = {};
    ::sigaction(signal, nullptr, &current);
    if (current.sa_handler != SIG_IGN) ::sigaddset(&held_, signal);  // nohup, and scripts that shield their children
  }
  ::pthread_sigmask(SIG_BLOCK, &held_, &before_);
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, &pipe_before_);
}

HeldSignals::~HeldSignals() {
  ::sigaction(SIGPIPE, &pipe_before_, nullptr);
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

int HeldSignals::next() const {
  constexpr timespec kNow = {};
  const int signal = ::sigtimedwait(&held_, nullptr, &kNow);
  return signal < 0 ? 0 : signal;
}

bool HeldSignals::is_pending() {
  sigset_t pending;
  ::sigpending(&pending);
  return std::ranges::any_of(kSignals, [&pending](int signal) { return ::sigismember(&pending, signal) == 1; });
}

void block_all_signals() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace strait
