#include "kvm/memory_slots.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/syscall.h"

namespace strait::kvm {

KvmMemorySlots::KvmMemorySlots(const Vm& vm) : vm_(vm), used_(static_cast<std::size_t>(std::max(32, vm.kvm().extension(KVM_CAP_NR_MEMSLOTS)))) {}

MemorySlots::Slot KvmMemorySlots::add(Gpa start, std::span<std::uint8_t> host, bool read_only) {
  const std::lock_guard lock(mutex_);
  const auto unused = std::find(used_.begin(), used_.end(), false);
  if (unused == used_.end()) throw Error(fmt::format("all {} memory slots of this host's KVM are in use", used_.size()));
  kvm_userspace_memory_region region = {};
  region.slot = static_cast<Slot>(unused - used_.begin());
  region.flags = read_only ? KVM_MEM_READONLY : 0;
  region.guest_phys_addr = start.value;
  region.memory_size = host.size();
  region.userspace_addr = reinterpret_cast<std::uint64_t>(host.data());
  updates_.add();
  const int result = try_ioctl(vm_.fd(), KVM_SET_USER_MEMORY_REGION, &region);
  if (result < 0) {
    throw Error::from_errno(-result, fmt::format("placing {} bytes at guest address {:#x}", host.size(), start.value));
  }
  *unused = true;
  return region.slot;
}

void KvmMemorySlots::remove(Slot slot) {
  const std::lock_guard lock(mutex_);
  kvm_userspace_memory_region region = {};
  region.slot = slot;
  updates_.add();
  try_ioctl(vm_.fd(), KVM_SET_USER_MEMORY_REGION, &region);
  used_.at(slot) = false;
}

}  // namespace strait::kvm
