#pragma once

#include <cstdint>
#include <vector>

#include "base/unique_fd.h"
#include "kvm/uapi.h"

namespace strait::kvm {

/// The host's KVM: /dev/kvm, and what it can do.
class Kvm {
 public:
  /// Opens the device and checks that it has what every guest of ours needs. Throws Error with the remedy: module not
  /// loaded, no permission, virtualisation off in the firmware, an extension missing.
  explicit Kvm(const char* path = "/dev/kvm");

  int fd() const { return fd_.get(); }
  /// KVM_CHECK_EXTENSION: 0 where there is no such thing, otherwise 1 or the extension's own number.
  int extension(int capability) const;
  /// Which of HLT, PAUSE and MWAIT can be left to a guest (KVM_X86_DISABLE_EXITS_*). Throws Error where HLT cannot.
  std::uint32_t idle_exits() const;
  /// Everything that CPUID may say in a guest on this host.
  std::vector<kvm_cpuid_entry2> supported_cpuid() const;
  /// Bytes of one vCPU's shared run area.
  std::uint64_t run_area_size() const;

 private:
  UniqueFd fd_;
};

}  // namespace strait::kvm
