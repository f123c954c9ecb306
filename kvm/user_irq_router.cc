#include "kvm/user_irq_router.h"

#include <pthread.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/error.h"
#include "base/log.h"
#include "base/syscall.h"

namespace strait::kvm {
namespace {

/// Lines that the guest can cause again and again.
log::Budget guest_lines;

UniqueFd make_epoll() {
  UniqueFd fd(::epoll_create1(EPOLL_CLOEXEC));
  if (!fd) throw Error::from_errno(errno, "creating an epoll descriptor");
  return fd;
}

/// Signals are the main thread's.
void block_signals() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace

UserIrqRouter::UserIrqRouter(const Vm& vm, InterruptRouter& router)
    : vm_(vm), router_(router), epoll_(make_epoll()), wake_(make_eventfd()) {
  watch(wake_.get());
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  ::pthread_setname_np(thread_.native_handle(), "interrupts");
}

UserIrqRouter::~UserIrqRouter() {
  thread_.request_stop();
  signal_eventfd(wake_.get());
}

Gsi UserIrqRouter::allocate() {
  const std::lock_guard lock(mutex_);
  auto free = std::ranges::find(routes_, false, &Route::allocated);
  if (free == routes_.end()) free = routes_.emplace(routes_.end());
  free->allocated = true;
  return Gsi(static_cast<std::uint32_t>(free - routes_.begin()));
}

void UserIrqRouter::release(Gsi gsi) {
  const std::lock_guard lock(mutex_);
  routes_.at(gsi.value) = {};
}

void UserIrqRouter::stage(Gsi gsi, const MsiMessage& message) {
  const std::lock_guard lock(mutex_);
  routes_.at(gsi.value).staged = message;
}

bool UserIrqRouter::commit() {
  const std::lock_guard lock(mutex_);
  for (Route& route : routes_) route.committed = route.staged;
  return true;
}

bool UserIrqRouter::attach(Gsi gsi, int eventfd) {
  const std::lock_guard lock(mutex_);
  if (!watch(eventfd)) return false;
  messages_[eventfd] = gsi.value;
  return true;
}

void UserIrqRouter::detach(Gsi, int eventfd) {
  const std::lock_guard lock(mutex_);
  unwatch(eventfd);
  messages_.erase(eventfd);
}

bool UserIrqRouter::attach_level(Gsi gsi, int eventfd, int resample) {
  const std::lock_guard lock(mutex_);
  Level level{.gsi = gsi, .resample = resample, .irqfd = {}, .handled = {}};
  try {
    level.irqfd = make_eventfd();
    level.handled = make_eventfd();
  } catch (const Error& error) {
    log::warning(guest_lines, "GSI {}: {}", gsi.value, error.what());
    return false;
  }
  const int handled = level.handled.get();
  if (!router_.attach_level(gsi, level.irqfd.get(), handled)) return false;
  if (!watch(handled) || !watch(eventfd)) {
    unwatch(handled);
    router_.detach_level(gsi, level.irqfd.get());
    return false;
  }
  levels_[eventfd] = std::move(level);
  return true;
}

void UserIrqRouter::detach_level(Gsi gsi, int eventfd) {
  const std::lock_guard lock(mutex_);
  const auto found = levels_.find(eventfd);
  if (found == levels_.end()) return;
  unwatch(eventfd);
  unwatch(found->second.handled.get());
  router_.detach_level(gsi, found->second.irqfd.get());
  levels_.erase(found);
  drive(gsi);
}

bool UserIrqRouter::watch(int fd) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return true;
  log::warning(guest_lines, "waiting for an interrupt's eventfd: {}", std::strerror(errno));
  return false;
}

void UserIrqRouter::unwatch(int fd) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void UserIrqRouter::run(const std::stop_token& stop) {
  block_signals();
  std::array<epoll_event, 16> events{};
  while (!stop.stop_requested()) {
    const int ready = ::epoll_wait(epoll_.get(), events.data(), events.size(), -1);
    for (int i = 0; i < ready; ++i) take(events[static_cast<std::size_t>(i)].data.fd);
  }
}

/// `fd` was readable a moment ago; since then it may have been detached, and even be another's. An interrupt is counted before the guest can
/// have it.
void UserIrqRouter::take(int fd) {
  const std::lock_guard lock(mutex_);
  if (const auto message = messages_.find(fd); message != messages_.end()) {
    const auto& route = routes_.at(message->second);
    if (drain_eventfd(fd) == 0 || !route.committed) return;
    deliveries_.add();
    vm_.signal_msi(*route.committed);
  } else if (const auto level = levels_.find(fd); level != levels_.end()) {
    if (drain_eventfd(fd) == 0) return;
    level->second.asserted = true;
    deliveries_.add();
    drive(level->second.gsi);
  } else {
    const auto handled = std::ranges::find_if(levels_, [fd](const auto& entry) { return entry.second.handled.get() == fd; });
    if (handled == levels_.end() || drain_eventfd(fd) == 0) return;
    handled->second.asserted = false;
    drive(handled->second.gsi);
    signal_eventfd(handled->second.resample);
  }
}

/// A pin is high while any of its sources is.
void UserIrqRouter::drive(Gsi gsi) {
  vm_.set_irq(gsi, std::ranges::any_of(levels_, [gsi](const auto& entry) { return entry.second.gsi == gsi && entry.second.asserted; }));
}

}  // namespace strait::kvm
