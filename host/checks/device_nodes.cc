#include "host/checks/device_nodes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include "host/checks/kernel_module.h"
#include "host/pci_function.h"
#include "host/printable.h"

namespace strait::host {
namespace fs = std::filesystem;
namespace {

constexpr const char* kUdevFile = "/etc/udev/rules.d/70-strait.rules";
constexpr const char* kKvmRule = "KERNEL==\"kvm\", GROUP=\"kvm\", MODE=\"0660\"";
constexpr const char* kVfioRule = "KERNEL==\"vfio\", SUBSYSTEM==\"misc\", MODE=\"0666\"";
constexpr const char* kGroupRule = "SUBSYSTEM==\"vfio\", GROUP=\"kvm\", MODE=\"0660\"";

/// A node that did not open, but is there: whose rights are missing, and how to get them. `rule` is udev's.
Check refused(const HostView& host, Check check, const OpenedDevice& opened, const char* rule) {
  check.status = Status::kFailed;
  check.finding = std::generic_category().message(opened.error);
  if (opened.error == EACCES && !opened.group.empty()) {
    check.cause = fmt::format("user {} is not in group {}", host.user, opened.group);
    check.remedy = fmt::format("usermod -aG {} {}, then log in again", opened.group, host.user);
  } else if (opened.error == EACCES) {
    check.cause = fmt::format("user {} may not open it", host.user);
    check.remedy = fmt::format("a line '{}' in {}, then udevadm control --reload; udevadm trigger", rule, kUdevFile);
    if (std::string_view(rule).find("GROUP") != std::string_view::npos)
      check.remedy += fmt::format("; usermod -aG kvm {}, and log in again", host.user);
    check.settings = {{kUdevFile, rule}};
  } else if (opened.error == EPERM) {
    check.cause = "the device rules of the container or service that this runs in forbid it, or the file system is mounted nodev";
    check.remedy = fmt::format("a container: --device {0}; a systemd unit: DeviceAllow={0} rw", check.name);
  } else {
    check.cause = "the kernel refuses";
    check.remedy = "see the end of what dmesg says";
  }
  return check;
}

bool is_missing(int error) { return error == ENOENT || error == ENXIO || error == ENODEV; }

/// "strait (4711)" for each process that has `node` open, as far as this user may see.
std::vector<std::string> users_of(const HostView& host, const std::string& node) {
  std::vector<std::string> users;
  std::error_code error;
  for (const auto& process : fs::directory_iterator(host.procfs, error)) {
    const std::string pid = process.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    std::error_code unreadable;
    for (const auto& fd : fs::directory_iterator(process.path() / "fd", unreadable)) {
      std::error_code gone;
      if (fs::read_symlink(fd.path(), gone) != node) continue;
      users.push_back(fmt::format("{} ({})", printable(host.read_procfs(fs::path(pid) / "comm").value_or("process")), pid));
      break;
    }
  }
  std::ranges::sort(users);
  return users;
}

/// A group's file that `users` have, as far as they are known.
Check in_use(Check check, const std::vector<std::string>& users) {
  check.kind = CheckKind::kDriver;
  check.status = Status::kFailed;
  check.finding = "in use";
  check.cause = users.empty() ? "another process has it open, and only one may"
                              : fmt::format("{} has it open, and only one process may", fmt::join(users, ", "));
  check.remedy = users.empty() ? fmt::format("find it as root with fuser -v {}, and end it", check.name) : "end that process";
  return check;
}

}  // namespace

Check check_kvm_node(const HostView& host) {
  Check check = {.kind = CheckKind::kKvm, .name = "/dev/kvm", .finding = "opens"};
  const OpenedDevice opened = host.open_device(host.dev / "kvm");
  if (opened.error == 0) return check;
  if (!is_missing(opened.error)) return refused(host, check, opened, kKvmRule);
  const char* module = host.cpu_vendor() == HostView::Vendor::kIntel ? "kvm_intel" : "kvm_amd";
  const ModuleState state = module_state(host, module);
  check.status = Status::kFailed;
  check.finding = "not there";
  if (host.kvm_runs()) {
    check.cause = "KVM runs, but the container or service that this runs in was not given its device";
    check.remedy = "a container: --device /dev/kvm; a systemd unit: DeviceAllow=/dev/kvm rw, without PrivateDevices=";
  } else if (state == ModuleState::kLoaded || state == ModuleState::kBuiltIn) {
    check.cause = fmt::format("{} is there, but found no virtualisation to use", module);
    check.remedy = "see CPU virtualisation, and what dmesg | grep -i kvm says";
  } else {
    check.cause = fmt::format("{} is not loaded", module);
    check.remedy = fmt::format("modprobe {}; dmesg says why where that fails", module);
  }
  return check;
}

Check check_vfio_node(const HostView& host) {
  Check check = {.kind = CheckKind::kPermissions, .name = "/dev/vfio/vfio", .finding = "opens"};
  const OpenedDevice opened = host.open_device(host.dev / "vfio/vfio");
  if (opened.error == 0) return check;
  if (!is_missing(opened.error)) return refused(host, check, opened, kVfioRule);
  const ModuleState state = module_state(host, "vfio-pci");
  check.finding = "not there";
  if (state == ModuleState::kLoadable) {
    check.status = Status::kWarning;
    check.cause = "vfio is not loaded yet";
    check.remedy = "modprobe vfio-pci";
  } else {
    check.status = Status::kFailed;
    check.cause = state == ModuleState::kMissing ? "the kernel has no vfio-pci"
                                                 : "this runs in a container without the device, or the kernel's VFIO has no container";
    check.remedy = state == ModuleState::kMissing ? "see module vfio-pci"
                                                  : "a container: --device /dev/vfio/vfio; else a kernel with CONFIG_VFIO_CONTAINER";
  }
  return check;
}

Check check_group_node(const HostView& host, unsigned group) {
  Check check = {.kind = CheckKind::kPermissions, .name = fmt::format("/dev/vfio/{}", group), .finding = "opens"};
  for (const Bdf& bdf : members_of_group(group, host.sysfs)) {
    if (const std::string holder = host.holder(bdf); !holder.empty()) return in_use(check, {holder});
  }
  const OpenedDevice opened = host.open_device(host.dev / "vfio" / std::to_string(group));
  if (opened.error == 0) return check;
  if (is_missing(opened.error)) {
    check.status = Status::kUnknown;
    check.finding = "there only while a function of it is on vfio-pci";
    return check;
  }
  return opened.error == EBUSY ? in_use(check, users_of(host, check.name)) : refused(host, check, opened, kGroupRule);
}

}  // namespace strait::host
