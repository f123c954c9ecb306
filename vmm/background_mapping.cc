#include "vmm/background_mapping.h"

#include <algorithm>
#include <chrono>
#include <csignal>

#include "base/log.h"
#include "host/limits.h"

namespace strait {
namespace {

/// The kernel's memory bandwidth is used up well before this many threads zero pages.
constexpr unsigned kMaxThreads = 16;

/// Leaves a processor for what goes on at the same time.
unsigned prefault_threads() { return std::clamp(host::usable_cpus() - 1, 1u, kMaxThreads); }

/// The main thread alone deals with signals; threads made from this one inherit the mask.
void block_signals() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace

BackgroundMapping::BackgroundMapping(const GuestMemory& memory, vfio::DmaSpace& space, EndOfRun& end, PhaseClock& clock)
    : memory_(memory), space_(space), end_(end), clock_(clock), thread_([this](const std::stop_token& stop) { run(stop); }) {}

BackgroundMapping::~BackgroundMapping() { stop(); }

bool BackgroundMapping::wait() {
  // What ends the run does not know of us: look now and then.
  std::unique_lock lock(mutex_);
  while (!mapped_ && !end_.ended()) changed_.wait_for(lock, std::chrono::milliseconds(20));
  return mapped_;
}

void BackgroundMapping::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void BackgroundMapping::run(const std::stop_token& stop) {
  block_signals();
  try {
    memory_.prefault(prefault_threads(), stop);
    clock_.mark(PhaseClock::kMemoryReady);
    for (const auto& region : memory_.regions()) {
      if (stop.stop_requested()) return;
      space_.map(Iova(region.start.value), region.host.bytes());
    }
    clock_.mark(PhaseClock::kDmaMapped);
    const std::lock_guard lock(mutex_);
    mapped_ = true;
  } catch (const std::exception& error) {
    if (end_.end({.code = exit_code::kFailed, .reason = error.what()})) log::error("{}", error.what());
  }
  changed_.notify_all();
}

}  // namespace strait
