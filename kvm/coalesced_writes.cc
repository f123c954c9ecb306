#include "kvm/coalesced_writes.h"

#include <algorithm>
#include <atomic>

#include "base/units.h"

namespace strait::kvm {

void CoalescedWrites::drain(Bus& ports) {
  constexpr std::uint32_t kEntries = (kPageSize - sizeof(kvm_coalesced_mmio_ring)) / sizeof(kvm_coalesced_mmio);
  const std::lock_guard lock(mutex_);
  std::atomic_ref first(ring_->first);
  const std::atomic_ref last(ring_->last);
  for (std::uint32_t at = first.load(std::memory_order_relaxed); at != last.load(std::memory_order_acquire);) {
    const kvm_coalesced_mmio& write = ring_->coalesced_mmio[at];
    ports.write(write.phys_addr, {write.data, std::min<std::size_t>(write.len, sizeof write.data)});
    at = (at + 1) % kEntries;
    first.store(at, std::memory_order_release);
  }
}

}  // namespace strait::kvm
