#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/mapped_region.h"
#include "boot/entry_state.h"
#include "kvm/vm.h"
#include "kvm/uapi.h"

namespace strait::kvm {

/// One virtual CPU. Made by any thread; run() belongs to one thread, kick() to any.
class Vcpu {
 public:
  /// KVM knows it by its APIC id. Throws Error.
  Vcpu(const Vm& vm, std::uint32_t index, std::uint32_t apic_id);

  /// Which of the machine's it is, from 0.
  std::uint32_t index() const { return index_; }
  void set_cpuid(std::span<const kvm_cpuid_entry2> entries);
  /// MSRs as firmware would leave them, after set_cpuid(). MTRRs: default write-back, `uncached` (a power of two in size, naturally aligned)
  /// not; Intel hosts before Linux 6.11 take the memory types of a guest with an assigned device from them, AMD honours the guest's PAT.
  /// Fast strings on: Linux on Intel gives up REP MOVS and STOS where they are off.
  /// `mwait`: CPUID tells the guest of MWAIT, which KVM takes back where this is off.
  void set_firmware_msrs(Range<Gpa> uncached, std::uint32_t physical_bits, bool mwait = false);
  /// The registers at the kernel's entry point. Only for the vCPU that boots; the others wait for INIT and SIPI.
  void set_entry_state(const boot::EntryState& state);
  /// The TSC's frequency in kHz, 0 where KVM does not know.
  std::uint32_t tsc_khz() const;

  /// Enters the guest until it needs something. Returns 0, or the negative errno of KVM_RUN (-EINTR after a kick, -EFAULT
  /// when the guest touched a mapping that is not there).
  int run();
  /// Has KVM do what it does in a VM's first KVM_RUN, without entering the guest. A kick meanwhile is lost.
  void run_nowhere();
  /// What KVM_RUN said; valid after run().
  kvm_run& area() const { return *reinterpret_cast<kvm_run*>(run_area_.data()); }
  /// Makes the current or the next run() return -EINTR at once, and those after it until clear_kick(). The caller also signals the thread.
  void kick();
  void clear_kick();

  /// The ring of coalesced writes, which every vCPU of the machine shares; nothing on hosts without.
  kvm_coalesced_mmio_ring* coalesced_ring() const;

  /// Reads one MSR; nothing where KVM has none of that number.
  std::optional<std::uint64_t> msr(std::uint32_t index) const;
  /// One line of registers for a crash report.
  std::string describe() const;
  /// A descriptor of KVM's binary statistics for this vCPU; none on hosts before 5.14.
  UniqueFd statistics() const;

 private:
  const Vm& vm_;
  std::uint32_t index_;
  UniqueFd fd_;
  MappedRegion run_area_;
};

}  // namespace strait::kvm
