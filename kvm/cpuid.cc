#include "kvm/cpuid.h"

#include <cpuid.h>
#include <asm/kvm_para.h>

#include <algorithm>
#include <bit>

namespace strait::kvm {
namespace {

constexpr std::uint32_t kHypervisorLeaf = 0x40000000;
constexpr std::uint32_t kHypervisorLeafLast = 0x4fffffff;
constexpr std::uint32_t kKvmFeatures = 0x40000001;
constexpr std::uint32_t kTimingLeaf = 0x40000010;  // TSC and APIC timer frequency in kHz, as VMware defined it

/// Replaces the bits of `field` that `mask` covers.
void set_bits(std::uint32_t& field, std::uint32_t mask, std::uint32_t value) {
  field = (field & ~mask) | ((value << std::countr_zero(mask)) & mask);
}

/// Extended topology (leaves 0xB and 0x1F): level 0 is a core's threads, level 1 the package's processors.
void add_topology(std::vector<kvm_cpuid_entry2>& entries, std::uint32_t leaf, const CpuidSpec& spec) {
  const Topology& topology = spec.topology;
  const std::uint32_t levels[3][3] = {  // shift, count, type
      {topology.thread_bits(), topology.threads, 1 << 8}, {topology.socket_bits(), topology.per_socket(), 2 << 8}, {0, 0, 0}};
  for (std::uint32_t index = 0; index < 3; ++index) {
    kvm_cpuid_entry2 entry = {};
    entry.function = leaf;
    entry.index = index;
    entry.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
    entry.eax = levels[index][0];
    entry.ebx = levels[index][1];
    entry.ecx = levels[index][2] | index;
    entry.edx = spec.apic_id;
    entries.push_back(entry);
  }
}

void patch(kvm_cpuid_entry2& entry, const CpuidSpec& spec, bool amd) {
  const Topology& topology = spec.topology;
  const std::uint32_t per_socket = topology.per_socket();
  switch (entry.function) {
    case 0x1:
      set_bits(entry.ebx, 0xff000000, spec.apic_id);
      set_bits(entry.ebx, 0x00ff0000, per_socket);
      set_bits(entry.edx, 1u << 28, per_socket > 1);  // HTT: more than one logical processor in the package
      set_bits(entry.ecx, 1u << 31, 1);              // a hypervisor is present
      set_bits(entry.ecx, 1u << 24, spec.tsc_deadline);
      if (spec.mwait) set_bits(entry.ecx, 1u << 3, 1);
      break;
    case 0x4:  // Intel caches: no sharing above the core below level 3
    case 0x8000001d: {  // AMD's twin
      const std::uint32_t level = (entry.eax >> 5) & 7;
      // One less than the APIC ids that are set aside for those who share it.
      set_bits(entry.eax, 0x03ffc000, (level >= 3 ? topology.cores << topology.thread_bits() : topology.threads) - 1);
      if (entry.function == 0x4 && (entry.eax & 0x1f) != 0) set_bits(entry.eax, 0xfc000000, std::min(topology.cores - 1, 63u));
      break;
    }
    case 0x5:
      if (spec.mwait) {
        entry.eax = (*spec.mwait)[0];
        entry.ebx = (*spec.mwait)[1];
        entry.ecx = (*spec.mwait)[2];
        entry.edx = (*spec.mwait)[3];
      }
      break;
    case 0x6:
      set_bits(entry.eax, 1u << 2, 1);  // ARAT: the APIC timer never stops
      break;
    case 0x80000001:
      if (amd) set_bits(entry.ecx, 1u << 1, per_socket > 1);  // CmpLegacy
      break;
    case 0x80000008:
      if (spec.physical_bits != 0) {
        set_bits(entry.eax, 0x000000ff, spec.physical_bits);
        set_bits(entry.eax, 0x00ff0000, 0);
      }
      if (amd) {
        set_bits(entry.ecx, 0x000000ff, per_socket - 1);
        set_bits(entry.ecx, 0x0000f000, topology.socket_bits());
      }
      break;
    case 0x8000001e:
      entry.eax = spec.apic_id;
      // The core's number in its package, and its threads less one; the package's, which is one node.
      entry.ebx = (topology.threads - 1) << 8 | ((spec.apic_id & ((1u << topology.socket_bits()) - 1)) >> topology.thread_bits());
      entry.ecx = spec.apic_id >> topology.socket_bits();
      break;
    case kHypervisorLeaf:
      if (spec.tsc_khz != 0) entry.eax = std::max(entry.eax, kTimingLeaf);
      break;
    case kKvmFeatures:
      if (spec.real_time) entry.edx |= 1u << KVM_HINTS_REALTIME;
      break;
    default: break;
  }
}

/// Of the leaves that hypervisors define: the signature in the first, KVM's features, others that it may pass on.
bool is_hypervisor_leaf(std::uint32_t function) { return function >= kHypervisorLeaf && function <= kHypervisorLeafLast; }

bool is_amd(std::span<const kvm_cpuid_entry2> entries) {
  const auto vendor = std::find_if(entries.begin(), entries.end(), [](const auto& entry) { return entry.function == 0; });
  return vendor != entries.end() && (vendor->ecx == 0x444d4163 || vendor->ecx == 0x656e6975);  // "cAMD", "uine" of HygonGenuine
}

}  // namespace

std::vector<kvm_cpuid_entry2> guest_cpuid(std::span<const kvm_cpuid_entry2> supported, const CpuidSpec& spec) {
  const bool amd = is_amd(supported);
  std::vector<kvm_cpuid_entry2> entries;
  bool topology = false;
  for (kvm_cpuid_entry2 entry : supported) {
    if (entry.function == 0xb || entry.function == 0x1f || entry.function == kTimingLeaf) {
      topology = topology || entry.function == 0xb;
      continue;
    }
    if (spec.hide_kvm && is_hypervisor_leaf(entry.function)) continue;
    patch(entry, spec, amd);
    entries.push_back(entry);
  }
  if (topology) add_topology(entries, 0xb, spec);
  if (spec.tsc_khz != 0 && !spec.hide_kvm) {
    kvm_cpuid_entry2 entry = {};
    entry.function = kTimingLeaf;
    entry.eax = spec.tsc_khz;
    entry.ebx = 1'000'000;  // KVM's APIC timer counts nanoseconds
    entries.push_back(entry);
  }
  return entries;
}

MwaitLeaf host_mwait_leaf() {
  MwaitLeaf leaf{};
  __cpuid_count(5, 0, leaf[0], leaf[1], leaf[2], leaf[3]);
  return leaf;
}

std::uint32_t physical_address_bits(std::span<const kvm_cpuid_entry2> entries) {
  for (const auto& entry : entries) {
    if (entry.function != 0x80000008) continue;
    const std::uint32_t bits = entry.eax & 0xff;
    const std::uint32_t mappable = (entry.eax >> 16) & 0xff;
    return mappable != 0 ? std::min(bits, mappable) : bits;
  }
  return 36;
}

}  // namespace strait::kvm
