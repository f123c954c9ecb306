#include "host/checks/sriov.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>

#include "host/network_interface.h"
#include "host/vf_info.h"

namespace strait::host {
namespace {

/// Nothing where this user may not know.
std::optional<bool> is_free(const HostView& host, const PciFunction& vf) {
  if (!host.holder(vf.bdf()).empty()) return false;
  if (vf.on_vfio()) {
    const auto group = vf.iommu_group();
    const int error = group ? host.open_device(host.dev / "vfio" / std::to_string(*group)).error : 0;
    return error == 0 || error == EBUSY ? std::optional(error == 0) : std::nullopt;
  }
  const auto in_use = [&](const std::string& name) {
    const auto interface = host.network_interface(name);
    return !interface || interface->up;
  };
  return !has_interfaces_elsewhere(vf.bdf(), host.sysfs) && std::ranges::none_of(interfaces_of(vf.bdf(), host.sysfs), in_use);
}

/// Whether the PF's interface, without which no VF has a link, is up and has a carrier.
Check check_link(const HostView& host, const PciFunction& pf) {
  const std::string interface = pf.network_interface();
  const std::string name = pf.bdf().to_string();
  Check check = {.kind = CheckKind::kLink, .name = "PF's link", .finding = fmt::format("{} ({}) is up", interface, name)};
  if (pf.on_vfio()) {
    check.status = Status::kWarning;
    check.finding = fmt::format("PF {} is on {}", name, pf.driver());
    check.cause = "who has the PF rules the VFs; the host's driver, which runs the link, is not on it";
    check.remedy = "strait release " + name;
  } else if (pf.driver().empty()) {
    check.status = Status::kFailed;
    check.finding = fmt::format("PF {} has no driver", name);
    check.cause = "most VFs do nothing without the PF's driver";
    check.remedy = fmt::format("echo {} > /sys/bus/pci/drivers_probe, or load its driver", name);
  } else if (has_interfaces_elsewhere(pf.bdf(), host.sysfs)) {
    check.status = Status::kUnknown;
    check.finding = fmt::format("the interface of PF {} is in another network namespace", name);
  } else if (interface.empty()) {
    check.status = Status::kNote;
    check.finding = fmt::format("PF {} ({}) has no network interface here", name, pf.driver());
  } else if (const auto state = host.network_interface(interface); !state) {
    check.status = Status::kUnknown;
    check.finding = fmt::format("{} ({}) is in another network namespace", interface, name);
  } else if (!state->up) {
    const bool needed = vfs_need_pf_up(pf.driver());
    check.status = needed ? Status::kFailed : Status::kWarning;
    check.finding = fmt::format("{} ({}) is down", interface, name);
    check.cause = fmt::format("{} its VFs have no link while it is down", needed ? "with " + pf.driver() : "with many drivers");
    check.remedy = fmt::format("ip link set {} up", interface);
  } else if (!state->carrier) {
    check.status = Status::kWarning;
    check.finding = fmt::format("{} ({}) is up, without a carrier", interface, name);
    check.cause = "no cable, or nothing alive at its other end";
    check.remedy = "plug it in; VFs reach each other all the same";
  }
  return check;
}

Check check_vfs(const HostView& host, const PciFunction& pf, unsigned possible) {
  const std::string name = pf.bdf().to_string();
  const std::vector<VirtualFunction> vfs = pf.virtual_functions();
  unsigned free = 0, unknown = 0;
  for (const VirtualFunction& vf : vfs) {
    const auto one = is_free(host, pf.sibling(vf.bdf));
    free += one.value_or(false);
    unknown += !one;
  }
  Check check = {.kind = CheckKind::kLink, .name = "VFs", .finding = fmt::format("{} of {} free, {} possible", free, vfs.size(), possible)};
  if (unknown > 0) check.finding += fmt::format("; of {} user {} cannot know", unknown, host.user);
  if (vfs.empty()) {
    check.status = Status::kWarning;
    check.finding = fmt::format("none made, {} possible", possible);
    check.cause = "sriov_numvfs is 0, as it is after every boot";
    check.remedy = fmt::format("strait vf create {} {}", name, possible);
  } else if (free == 0 && unknown > 0) {
    check.status = Status::kUnknown;
    check.cause = "whether a guest has one is seen by those who may open its group in /dev/vfio";
    check.remedy = "ask as root, or as the user who is to run guests";
  } else if (free == 0) {
    check.status = Status::kWarning;
    check.cause = "each is a guest's, or an interface that is up or in another network namespace";
    check.remedy = vfs.size() < possible
                       ? fmt::format("end those guests; then strait vf remove {0} and strait vf create {0} N make more", name)
                       : "end one of those guests, or take that interface down";
  }
  return check;
}

}  // namespace

std::vector<Check> check_sriov(const HostView& host, const PciFunction& function) {
  if (const auto pf = function.physical_function()) return {check_link(host, function.sibling(*pf))};
  const unsigned possible = function.sriov_total_vfs().value_or(0);
  if (possible == 0 || function.on_vfio()) return {};
  std::vector<Check> checks = {check_vfs(host, function, possible)};
  if (!function.driver().empty()) checks.push_back(check_link(host, function));
  return checks;
}

}  // namespace strait::host
