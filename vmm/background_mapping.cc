#include "vmm/background_mapping.h"

#include <chrono>
#include <utility>

#include "base/held_signals.h"

namespace strait {

BackgroundMapping::BackgroundMapping(const GuestMemory& memory, vfio::DmaSpace& space, unsigned threads, Handlers handlers)
    : memory_(memory), space_(space), threads_(threads), handlers_(std::move(handlers)), thread_([this](const std::stop_token& stop) { run(stop); }) {}

BackgroundMapping::~BackgroundMapping() { stop(); }

bool BackgroundMapping::wait() {
  // Whatever makes it over does not know of us: look now and then.
  std::unique_lock lock(mutex_);
  while (!mapped_ && !failed_ && !handlers_.is_over()) changed_.wait_for(lock, std::chrono::milliseconds(20));
  return mapped_;
}

bool BackgroundMapping::failed() {
  const std::lock_guard lock(mutex_);
  return failed_;
}

void BackgroundMapping::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void BackgroundMapping::run(const std::stop_token& stop) {
  block_all_signals();
  bool mapped = false;
  try {
    if (threads_ > 0) memory_.prefault(threads_, [&stop] { return stop.stop_requested(); });
    handlers_.on_present();
    for (const auto& region : memory_.regions()) {
      if (stop.stop_requested()) return;
      space_.map(Iova(region.start.value), region.host.bytes());
    }
    handlers_.on_mapped();
    mapped = true;
  } catch (const std::exception& error) {
    handlers_.on_failure(error.what());
  }
  const std::lock_guard lock(mutex_);
  (mapped ? mapped_ : failed_) = true;
  changed_.notify_all();
}

}  // namespace strait
