#include "kvm/kvm.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "base/syscall.h"

namespace strait::kvm {
namespace {

UniqueFd open_kvm(const char* path) {
  UniqueFd fd(::open(path, O_RDWR | O_CLOEXEC));
  if (fd) return fd;
  const int code = errno;
  const std::string attempt = std::string("opening ") + path;
  switch (code) {
    case EACCES:
    case EPERM:
      throw Error::from_errno(code, attempt, "add your user to the group that owns it: usermod -aG kvm USER, then log in again");
    case ENOENT:
    case ENXIO:
    case ENODEV:
      throw Error::from_errno(code, attempt,
                              "load the module (modprobe kvm_intel, or kvm_amd); if that fails, enable virtualisation "
                              "(VT-x, AMD-V) in the firmware set-up");
    default: throw Error::from_errno(code, attempt);
  }
}

}  // namespace

Kvm::Kvm(const char* path) : fd_(open_kvm(path)) {
  const int version = checked_ioctl(fd_.get(), KVM_GET_API_VERSION, "KVM_GET_API_VERSION");
  if (version != KVM_API_VERSION) throw Error(std::string(path) + " speaks KVM API version " + std::to_string(version) + ", not 12");
  struct Need {
    int capability;
    const char* name;
  };
  constexpr Need kNeeds[] = {
      {KVM_CAP_IRQCHIP, "an in-kernel interrupt controller"}, {KVM_CAP_PIT2, "an in-kernel timer (PIT2)"},
      {KVM_CAP_USER_MEMORY, "user memory slots"},             {KVM_CAP_IRQFD, "irqfd"},
      {KVM_CAP_IRQ_ROUTING, "interrupt routing"},             {KVM_CAP_EXT_CPUID, "extended CPUID"},
      {KVM_CAP_SET_TSS_ADDR, "KVM_SET_TSS_ADDR"},             {KVM_CAP_IMMEDIATE_EXIT, "immediate exit"},
  };
  for (const Need& need : kNeeds) {
    if (extension(need.capability) <= 0) throw Error(std::string("this host's KVM lacks ") + need.name, "use Linux 5.10 or later");
  }
}

std::uint32_t Kvm::idle_exits() const {
  const auto offered = static_cast<std::uint32_t>(extension(KVM_CAP_X86_DISABLE_EXITS));
  if ((offered & KVM_X86_DISABLE_EXITS_HLT) == 0) {
    throw Error("this host's KVM does not leave HLT to a guest, as --dedicated wants it",
                "leave it out; or, where KVM has mitigate_smt_rsb=1, see what the kernel's documentation says of cross-thread return predictions");
  }
  return offered & (KVM_X86_DISABLE_EXITS_HLT | KVM_X86_DISABLE_EXITS_PAUSE | KVM_X86_DISABLE_EXITS_MWAIT);
}

int Kvm::extension(int capability) const { return std::max(0, try_ioctl(fd_.get(), KVM_CHECK_EXTENSION, capability)); }

std::vector<kvm_cpuid_entry2> Kvm::supported_cpuid() const {
  for (std::uint32_t room = 128;; room *= 2) {
    std::vector<std::uint64_t> storage((sizeof(kvm_cpuid2) + room * sizeof(kvm_cpuid_entry2) + 7) / 8);
    auto* table = reinterpret_cast<kvm_cpuid2*>(storage.data());
    table->nent = room;
    const int result = try_ioctl(fd_.get(), KVM_GET_SUPPORTED_CPUID, table);
    if (result == -E2BIG && room < 4096) continue;
    if (result < 0) throw Error::from_errno(-result, "KVM_GET_SUPPORTED_CPUID");
    return {table->entries, table->entries + table->nent};
  }
}

std::uint64_t Kvm::run_area_size() const {
  return static_cast<std::uint64_t>(checked_ioctl(fd_.get(), KVM_GET_VCPU_MMAP_SIZE, "KVM_GET_VCPU_MMAP_SIZE"));
}

}  // namespace strait::kvm
