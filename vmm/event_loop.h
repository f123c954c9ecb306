#pragma once

#include <sys/epoll.h>

#include <array>
#include <functional>
#include <map>

#include "base/unique_fd.h"

namespace strait {

/// Waits for descriptors to become readable and calls whoever asked. One thread runs it; the handlers run on that thread.
class EventLoop {
 public:
  EventLoop();

  /// Calls `handler` whenever `fd` is readable, or its other end is gone. Returns false for a descriptor that cannot be waited for
  /// (a regular file, /dev/null): reading it never blocks. Loop thread, or before run().
  bool add(int fd, std::function<void()> handler);
  /// Its handler is not called again, not even where `fd` was readable already. Before `fd` is closed. Loop thread, or while none runs.
  void remove(int fd);

  /// Runs until `done` says so; asked after each round of handlers.
  void run(const std::function<bool()>& done);

 private:
  UniqueFd epoll_;
  std::map<int, std::function<void()>> handlers_;
  std::array<epoll_event, 8> round_{};  ///< what was readable when the loop last woke
};

}  // namespace strait
