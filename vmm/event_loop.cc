#include "vmm/event_loop.h"

#include <cerrno>

#include "base/error.h"

namespace strait {

EventLoop::EventLoop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) throw Error::from_errno(errno, "creating an epoll descriptor");
}

bool EventLoop::add(int fd, std::function<void()> handler) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) < 0) {
    if (errno == EPERM) return false;
    throw Error::from_errno(errno, "waiting for descriptor " + std::to_string(fd));
  }
  handlers_[fd] = std::move(handler);
  return true;
}

void EventLoop::remove(int fd) {
  if (handlers_.erase(fd) == 0) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  // Whatever has this number before the round is over is not to be called in its place.
  for (epoll_event& event : round_) {
    if (event.data.fd == fd) event.data.fd = -1;
  }
}

void EventLoop::run(const std::function<bool()>& done) {
  while (!done()) {
    const int ready = ::epoll_wait(epoll_.get(), round_.data(), static_cast<int>(round_.size()), -1);
    for (int i = 0; i < ready; ++i) {
      // A handler may have removed another's descriptor, or its own: look up, and keep what runs alive.
      const auto found = handlers_.find(round_[static_cast<std::size_t>(i)].data.fd);
      if (found == handlers_.end()) continue;
      const auto handler = found->second;
      handler();
    }
  }
}

}  // namespace strait
