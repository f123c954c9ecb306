#pragma once

#include <utility>
#include <vector>

#include "base/syscall.h"
#include "devices/io_eventfds.h"
#include "tests/fakes/journal.h"

namespace strait::test {

/// IoEventfds that only remember: what the guest writes has to come through write().
class FakeIoEventfds : public IoEventfds {
 public:
  explicit FakeIoEventfds(Journal& journal) : journal_(journal) {}

  bool add(const GuestWrite& write, int eventfd) override {
    if (refuses) return false;
    journal_.add("watch {}{:#x}/{} = {:#x}", space(write), write.address, write.size, write.value);
    watched_.emplace_back(write, eventfd);
    return true;
  }
  void remove(const GuestWrite& write, int eventfd) override {
    journal_.add("unwatch {}{:#x}/{} = {:#x}", space(write), write.address, write.size, write.value);
    std::erase(watched_, std::pair(write, eventfd));
  }

  /// The guest writes: true where that signalled an eventfd, and is no exit.
  bool write(const GuestWrite& write) {
    for (const auto& [watched, eventfd] : watched_) {
      if (watched != write) continue;
      signal_eventfd(eventfd);
      return true;
    }
    return false;
  }
  std::size_t count() const { return watched_.size(); }
  /// Each with its eventfd.
  const std::vector<std::pair<GuestWrite, int>>& watched() const { return watched_; }

  bool refuses = false;

 private:
  static const char* space(const GuestWrite& write) { return write.space == GuestWrite::Space::kPorts ? "port " : ""; }

  Journal& journal_;
  std::vector<std::pair<GuestWrite, int>> watched_;
};

}  // namespace strait::test
