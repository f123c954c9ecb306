#pragma once

#include <cstdint>
#include <mutex>
#include <span>

#include "devices/bus.h"
#include "kvm/uapi.h"

namespace strait::kvm {

/// The ring in which KVM collects writes that need no exit of their own (KVM_CAP_COALESCED_PIO). Whoever handles an exit
/// drains it first, so that devices see writes in the order in which the guest made them. Any thread.
class CoalescedWrites {
 public:
  /// `ring` lies in the first vCPU's run area and outlives this.
  explicit CoalescedWrites(kvm_coalesced_mmio_ring* ring) : ring_(ring) {}

  /// Carries out everything that was collected; when this returns no other thread is in the middle of doing so.
  void drain(Bus& ports);

 private:
  std::mutex mutex_;
  kvm_coalesced_mmio_ring* ring_;
};

}  // namespace strait::kvm
