#pragma once

#include <mutex>
#include <optional>
#include <vector>

#include "base/counter.h"
#include "devices/interrupt_router.h"
#include "kvm/vm.h"
#include "kvm/uapi.h"

namespace strait::kvm {

/// InterruptRouter as KVM's routing table and irqfds. GSIs 0 to 23 are the pins of PIC and IOAPIC; messages take the GSIs above.
class IrqRouter : public InterruptRouter {
 public:
  /// Installs the routes of the pins. Throws Error.
  explicit IrqRouter(const Vm& vm);

  Gsi allocate() override;
  void release(Gsi gsi) override;
  void stage(Gsi gsi, const MsiMessage& message) override;
  bool commit() override;
  bool attach(Gsi gsi, int eventfd) override;
  void detach(Gsi gsi, int eventfd) override;
  bool attach_level(Gsi gsi, int eventfd, int resample) override;
  void detach_level(Gsi gsi, int eventfd) override;

  /// commit(), but with a call even where nothing changed.
  bool update();

  /// KVM_SET_GSI_ROUTING and KVM_IRQFD calls so far.
  std::uint64_t routing_updates() const { return routing_updates_.value(); }
  std::uint64_t irqfd_calls() const { return irqfd_calls_.value(); }

 private:
  struct Route {
    bool allocated = false;
    std::optional<MsiMessage> message;
  };
  bool install();
  bool irqfd(Gsi gsi, int eventfd, std::uint32_t flags, int resample = -1);

  const Vm& vm_;
  const std::size_t limit_;
  std::mutex mutex_;
  std::vector<Route> routes_;  ///< index 0 is kFirstMessageGsi
  bool dirty_ = true;
  Counter routing_updates_;
  Counter irqfd_calls_;
};

}  // namespace strait::kvm
