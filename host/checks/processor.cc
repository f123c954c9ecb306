#include "host/checks/processor.h"

#include <fmt/format.h>

namespace strait::host {
namespace {

/// What hides the flag, and what brings it back.
Check without_virtualisation(const HostView& host, Check check) {
  const bool amd = host.cpu_vendor() == HostView::Vendor::kAmd;
  check.status = Status::kFailed;
  check.finding = fmt::format("no {} flag in /proc/cpuinfo", amd ? "svm" : "vmx");
  if (host.cpuid_virtualisation) {
    check.cause = "the processor has it, but the firmware has disabled it";
    check.remedy = fmt::format("enable {} in the firmware set-up, save, and switch the host off and on again",
                               amd ? "SVM Mode" : "Intel Virtualization Technology (VT-x)");
  } else if (host.virtual_machine()) {
    check.cause = "this host is itself a virtual machine, and its hypervisor does not pass virtualisation on";
    check.remedy =
        "on the machine below: load kvm_intel or kvm_amd with nested=1, and give this one -cpu host; in a cloud: "
        "take an instance with nested virtualisation, or a bare-metal one";
  } else {
    check.cause = "the processor has none, or the firmware hides it";
    check.remedy = "look for VT-x or SVM in the firmware set-up; without it this host runs no guests";
  }
  return check;
}

}  // namespace

Check check_processor(const HostView& host) {
  Check check = {.kind = CheckKind::kCpu, .name = "CPU virtualisation"};
  if (!host.read_procfs("cpuinfo")) {
    check.status = Status::kUnknown;
    check.finding = "/proc/cpuinfo cannot be read";
    check.cause = fmt::format("{} is no readable procfs", host.procfs.string());
    check.remedy = "mount procfs there";
    return check;
  }
  const bool vmx = host.cpu_flag("vmx");
  if (vmx || host.cpu_flag("svm")) {
    check.finding = vmx ? "Intel VT-x (vmx)" : "AMD-V (svm)";
    if (host.virtual_machine()) check.finding += ", nested: this host is a virtual machine";
    return check;
  }
  if (host.kvm_runs()) {
    check.status = Status::kNote;
    check.finding = "neither vmx nor svm, but KVM has a back end that needs none";
    return check;
  }
  return without_virtualisation(host, check);
}

}  // namespace strait::host
