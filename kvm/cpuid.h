#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/topology.h"
#include "kvm/uapi.h"

namespace strait::kvm {

/// EAX to EDX of leaf 5, what MWAIT can do.
using MwaitLeaf = std::array<std::uint32_t, 4>;
/// This host's.
MwaitLeaf host_mwait_leaf();

/// What one vCPU's CPUID depends on besides the host.
struct CpuidSpec {
  std::uint32_t apic_id = 0;
  Topology topology;
  std::uint32_t physical_bits = 0;  ///< guest-physical address width; 0 keeps the host's
  bool tsc_deadline = false;        ///< KVM has it; the supported list may omit it (the KVM API document says to ask)
  std::uint32_t tsc_khz = 0;        ///< 0 where unknown
  bool real_time = false;           ///< its vCPUs never wait for a processor of the host's (KVM_HINTS_REALTIME)
  std::optional<MwaitLeaf> mwait = {};   ///< MONITOR and MWAIT are the guest's own
  bool hide_kvm = false;            ///< no hypervisor leaves: the guest sees that it is virtual (leaf 1), but neither by whom nor KVM's help
};

/// The guest's CPUID: the supported list with topology, address width, timer and hypervisor leaves filled in. Pure.
std::vector<kvm_cpuid_entry2> guest_cpuid(std::span<const kvm_cpuid_entry2> supported, const CpuidSpec& spec);

/// The width of guest-physical addresses that can be used with a CPUID list: what leaf 0x80000008 announces, or what nested paging can map
/// where KVM says that it is less (EAX bits 23:16); 36 where there is no such leaf. Pure.
std::uint32_t physical_address_bits(std::span<const kvm_cpuid_entry2> entries);

}  // namespace strait::kvm
