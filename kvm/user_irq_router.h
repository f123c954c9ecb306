#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/counter.h"
#include "base/unique_fd.h"
#include "devices/interrupt_router.h"
#include "kvm/vm.h"

namespace strait::kvm {

/// InterruptRouter for experiments: a thread of ours takes each signal and hands the interrupt to KVM by KVM_SIGNAL_MSI or KVM_IRQ_LINE,
/// in place of routes and irqfds. What that costs, and what they save, shows in comparison. Any thread.
///
/// KVM's own interrupt controllers tell of the end of an interrupt through a resampling irqfd and in no other way: a pin's source has one
/// that is never signalled, for its answer alone.
class UserIrqRouter : public InterruptRouter {
 public:
  /// `router` is asked for those irqfds. Throws Error.
  UserIrqRouter(const Vm& vm, InterruptRouter& router);
  ~UserIrqRouter() override;
  UserIrqRouter(const UserIrqRouter&) = delete;
  UserIrqRouter& operator=(const UserIrqRouter&) = delete;

  Gsi allocate() override;
  void release(Gsi gsi) override;
  void stage(Gsi gsi, const MsiMessage& message) override;
  bool commit() override;
  bool attach(Gsi gsi, int eventfd) override;
  void detach(Gsi gsi, int eventfd) override;
  bool attach_level(Gsi gsi, int eventfd, int resample) override;
  void detach_level(Gsi gsi, int eventfd) override;

  /// Interrupts that the thread handed to KVM.
  std::uint64_t deliveries() const { return deliveries_.value(); }

 private:
  struct Route {
    bool allocated = false;
    std::optional<MsiMessage> staged, committed;
  };
  /// A device's share in a pin, by the eventfd that it signals.
  struct Level {
    Gsi gsi;
    int resample = -1;
    UniqueFd irqfd, handled;  ///< the irqfd that is never signalled, and what KVM signals in answer
    bool asserted = false;
  };
  void run(const std::stop_token& stop);
  void take(int fd);
  bool watch(int fd);
  void unwatch(int fd);
  void drive(Gsi gsi);

  const Vm& vm_;
  InterruptRouter& router_;
  const UniqueFd epoll_, wake_;
  std::mutex mutex_;  ///< guards what follows
  std::vector<Route> routes_;
  std::map<int, std::size_t> messages_;  ///< indices of routes_ by eventfd
  std::map<int, Level> levels_;
  Counter deliveries_;
  std::jthread thread_;
};

}  // namespace strait::kvm
