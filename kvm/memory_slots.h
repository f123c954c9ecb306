#pragma once

#include <mutex>
#include <vector>

#include "base/counter.h"
#include "devices/memory_slots.h"
#include "kvm/vm.h"

namespace strait::kvm {

/// MemorySlots as KVM memory regions; slot numbers are reused, lowest first.
class KvmMemorySlots : public MemorySlots {
 public:
  explicit KvmMemorySlots(const Vm& vm);

  Slot add(Gpa start, std::span<std::uint8_t> host, bool read_only = false) override;
  void remove(Slot slot) override;

  /// KVM_SET_USER_MEMORY_REGION calls so far.
  std::uint64_t updates() const { return updates_.value(); }

 private:
  const Vm& vm_;
  std::mutex mutex_;
  std::vector<bool> used_;
  Counter updates_;
};

}  // namespace strait::kvm
