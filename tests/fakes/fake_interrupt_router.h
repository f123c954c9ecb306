#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/syscall.h"
#include "devices/interrupt_router.h"
#include "tests/fakes/journal.h"

namespace strait::test {

/// An InterruptRouter that keeps the contract's order: whoever attaches before the route is committed, or releases what is attached,
/// finds it in `broken_rule`. What the kernel would inject is in delivered().
class FakeInterruptRouter : public InterruptRouter {
 public:
  explicit FakeInterruptRouter(Journal& journal) : journal_(journal) {}

  Gsi allocate() override {
    if (routes_.size() >= limit) throw Error("no more routes");
    Gsi gsi{24};
    while (routes_.contains(gsi)) gsi = gsi + 1;
    routes_[gsi] = {};
    return gsi;
  }
  void release(Gsi gsi) override {
    journal_.add("release {}", gsi.value);
    if (routes_[gsi].eventfd) broken_rule = "released while attached";
    routes_.erase(gsi);
  }
  void stage(Gsi gsi, const MsiMessage& message) override {
    if (routes_[gsi].staged != message) dirty_ = true;
    routes_[gsi].staged = message;
  }
  bool commit() override {
    if (!dirty_) return true;
    if (refuses_commit) return false;
    std::string table;
    for (auto& [gsi, route] : routes_) {
      route.committed = route.staged;
      if (route.committed) table += fmt::format(" {}={:#x}", gsi.value, route.committed->data);
    }
    journal_.add("commit{}", table);
    dirty_ = false;
    return true;
  }
  bool attach(Gsi gsi, int eventfd) override {
    journal_.add("attach {}", gsi.value);
    if (!routes_[gsi].committed) broken_rule = "attached before its route was committed";
    if (routes_[gsi].eventfd) broken_rule = "attached twice";
    routes_[gsi].eventfd = eventfd;
    return true;
  }
  void detach(Gsi gsi, int eventfd) override {
    journal_.add("detach {}", gsi.value);
    if (routes_[gsi].eventfd != eventfd) broken_rule = "detached what was not attached";
    deliver();
    routes_[gsi].eventfd.reset();
  }

  bool attach_level(Gsi gsi, int eventfd, int resample) override {
    journal_.add("attach level {}", gsi.value);
    if (gsi.value >= 24) broken_rule = "a level on what is no pin";
    levels_[eventfd] = {gsi, resample};
    return !refuses_levels;
  }
  void detach_level(Gsi gsi, int eventfd) override {
    journal_.add("detach level {}", gsi.value);
    if (levels_.erase(eventfd) == 0) broken_rule = "detached a level that was not attached";
  }
  /// The guest has handled the interrupts of its pins: their sources hear of it.
  void end_of_interrupt() {
    for (const auto& [eventfd, level] : levels_) signal_eventfd(level.resample);
  }
  /// Whether a pin's source has signalled it; takes the signal.
  bool take_level(Gsi gsi) {
    for (const auto& [eventfd, level] : levels_) {
      if (level.gsi == gsi && drain_eventfd(eventfd) != 0) return true;
    }
    return false;
  }

  /// What the kernel does by itself: turns signals of attached eventfds into messages. Gives those of this call.
  std::vector<MsiMessage> deliver() {
    std::vector<MsiMessage> messages;
    for (auto& [gsi, route] : routes_) {
      if (!route.eventfd || drain_eventfd(*route.eventfd) == 0) continue;
      journal_.add("message {:#x}", route.committed->data);
      messages.push_back(*route.committed);
    }
    return messages;
  }
  /// The messages that a signal could send now.
  std::vector<MsiMessage> attached() const {
    std::vector<MsiMessage> messages;
    for (const auto& [gsi, route] : routes_) {
      if (route.eventfd) messages.push_back(route.committed.value_or(MsiMessage{}));
    }
    return messages;
  }
  /// Whether a source drives the pin.
  bool has_level(Gsi gsi) const {
    return std::ranges::any_of(levels_, [gsi](const auto& level) { return level.second.gsi == gsi; });
  }

  std::size_t limit = 1000;
  bool refuses_commit = false;
  bool refuses_levels = false;
  std::string broken_rule;

 private:
  struct Route {
    std::optional<MsiMessage> staged, committed;
    std::optional<int> eventfd;
  };
  struct Level {
    Gsi gsi;
    int resample;
  };
  Journal& journal_;
  std::map<Gsi, Route> routes_;
  std::map<int, Level> levels_;
  bool dirty_ = false;
};

}  // namespace strait::test
