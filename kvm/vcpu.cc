#include "kvm/vcpu.h"

#include <atomic>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/syscall.h"
#include "base/units.h"

namespace strait::kvm {
namespace {

// Intel SDM 11.11: memory type range registers.
constexpr std::uint32_t kMsrMtrrPhysBase0 = 0x200;
constexpr std::uint32_t kMsrMtrrPhysMask0 = 0x201;
constexpr std::uint32_t kMsrMtrrDefType = 0x2ff;
constexpr std::uint32_t kMsrMiscEnable = 0x1a0;  // SDM volume 4, IA32_MISC_ENABLE
constexpr std::uint64_t kFastStrings = 1 << 0;
constexpr std::uint64_t kMonitorFsm = 1 << 18;
constexpr std::uint64_t kMtrrEnable = 1 << 11;
constexpr std::uint64_t kMtrrValid = 1 << 11;
constexpr std::uint64_t kWriteBack = 6;
constexpr std::uint64_t kUncached = 0;

/// A kvm_msrs with room for one: its flexible array may not be a member's.
class OneMsr {
 public:
  explicit OneMsr(std::uint32_t index, std::uint64_t data = 0) {
    get()->nmsrs = 1;
    entry()->index = index;
    entry()->data = data;
  }
  kvm_msrs* get() { return reinterpret_cast<kvm_msrs*>(storage_); }
  std::uint64_t data() { return entry()->data; }

 private:
  kvm_msr_entry* entry() { return reinterpret_cast<kvm_msr_entry*>(storage_ + sizeof(kvm_msrs)); }

  alignas(kvm_msrs) std::uint8_t storage_[sizeof(kvm_msrs) + sizeof(kvm_msr_entry)] = {};
};

}  // namespace

Vcpu::Vcpu(const Vm& vm, std::uint32_t index, std::uint32_t apic_id)
    : vm_(vm),
      index_(index),
      fd_(checked_ioctl(vm.fd(), KVM_CREATE_VCPU, static_cast<unsigned long>(apic_id), "creating a virtual CPU (KVM_CREATE_VCPU)")),
      run_area_(MappedRegion::shared(fd_.get(), 0, vm.kvm().run_area_size(), PROT_READ | PROT_WRITE, kPageSize)) {}

void Vcpu::set_cpuid(std::span<const kvm_cpuid_entry2> entries) {
  std::vector<std::uint64_t> storage((sizeof(kvm_cpuid2) + entries.size_bytes() + 7) / 8);
  auto* table = reinterpret_cast<kvm_cpuid2*>(storage.data());
  table->nent = static_cast<std::uint32_t>(entries.size());
  std::memcpy(table->entries, entries.data(), entries.size_bytes());
  checked_ioctl(fd_.get(), KVM_SET_CPUID2, table, "KVM_SET_CPUID2");
}

void Vcpu::set_firmware_msrs(Range<Gpa> uncached, std::uint32_t physical_bits, bool mwait) {
  const std::uint64_t width_mask = (1ull << physical_bits) - 1;
  const std::pair<std::uint32_t, std::uint64_t> values[] = {
      {kMsrMtrrPhysBase0, uncached.start.value | kUncached},
      {kMsrMtrrPhysMask0, (~(uncached.size - 1) & width_mask) | kMtrrValid},
      {kMsrMtrrDefType, kMtrrEnable | kWriteBack},
      {kMsrMiscEnable, msr(kMsrMiscEnable).value_or(0) | kFastStrings | (mwait ? kMonitorFsm : 0)},
  };
  for (const auto& [index, value] : values) {
    OneMsr request(index, value);
    if (checked_ioctl(fd_.get(), KVM_SET_MSRS, request.get(), "KVM_SET_MSRS") != 1) {
      throw Error(fmt::format("this host's KVM does not take MSR {:#x}", index));
    }
  }
}

void Vcpu::set_entry_state(const boot::EntryState& state) {
  kvm_sregs sregs = {};
  checked_ioctl(fd_.get(), KVM_GET_SREGS, &sregs, "KVM_GET_SREGS");
  const auto segment = [](const boot::Segment& from) {
    kvm_segment to = {};
    to.base = from.base();
    to.limit = from.limit();
    to.selector = from.selector;
    to.type = from.type();
    to.s = from.is_code_or_data();
    to.dpl = from.dpl();
    to.present = from.present();
    to.avl = from.available();
    to.l = from.long_mode();
    to.db = from.default_size();
    to.g = from.granularity();
    return to;
  };
  sregs.cs = segment(state.code);
  sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = segment(state.data);
  sregs.tr = segment(state.task);
  sregs.gdt.base = state.gdt_base.value;
  sregs.gdt.limit = state.gdt_limit;
  sregs.idt = {};
  sregs.cr0 = state.cr0;
  sregs.cr3 = state.cr3;
  sregs.cr4 = state.cr4;
  sregs.efer = state.efer;
  checked_ioctl(fd_.get(), KVM_SET_SREGS, &sregs, "KVM_SET_SREGS");

  kvm_regs regs = {};
  regs.rip = state.rip;
  regs.rsi = state.rsi;
  regs.rbx = state.rbx;
  regs.rsp = state.rsp;
  regs.rflags = 2;  // the bit that is always set
  checked_ioctl(fd_.get(), KVM_SET_REGS, &regs, "KVM_SET_REGS");
}

std::uint32_t Vcpu::tsc_khz() const { return static_cast<std::uint32_t>(std::max(0, try_ioctl(fd_.get(), KVM_GET_TSC_KHZ))); }

int Vcpu::run() { return ::ioctl(fd_.get(), KVM_RUN, 0) < 0 ? -errno : 0; }

void Vcpu::run_nowhere() {
  kick();
  run();
  clear_kick();
}

void Vcpu::kick() { std::atomic_ref(area().immediate_exit).store(1, std::memory_order_release); }

void Vcpu::clear_kick() { std::atomic_ref(area().immediate_exit).store(0, std::memory_order_release); }

kvm_coalesced_mmio_ring* Vcpu::coalesced_ring() const {
  const int page = vm_.kvm().extension(KVM_CAP_COALESCED_MMIO);
  return page <= 0 ? nullptr : reinterpret_cast<kvm_coalesced_mmio_ring*>(run_area_.data() + static_cast<std::uint64_t>(page) * kPageSize);
}

std::optional<std::uint64_t> Vcpu::msr(std::uint32_t index) const {
  OneMsr request(index);
  if (try_ioctl(fd_.get(), KVM_GET_MSRS, request.get()) != 1) return std::nullopt;
  return request.data();
}

std::string Vcpu::describe() const {
  kvm_regs regs = {};
  kvm_sregs sregs = {};
  if (try_ioctl(fd_.get(), KVM_GET_REGS, &regs) < 0 || try_ioctl(fd_.get(), KVM_GET_SREGS, &sregs) < 0) return "no registers";
  return fmt::format("rip {:#x} rsp {:#x} rflags {:#x} cr0 {:#x} cr2 {:#x} cr3 {:#x} cr4 {:#x} efer {:#x} cs {:#x}", regs.rip, regs.rsp,
                     regs.rflags, sregs.cr0, sregs.cr2, sregs.cr3, sregs.cr4, sregs.efer, sregs.cs.selector);
}

UniqueFd Vcpu::statistics() const { return UniqueFd(try_ioctl(fd_.get(), KVM_GET_STATS_FD)); }

}  // namespace strait::kvm
