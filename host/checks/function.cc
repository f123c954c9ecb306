#include "host/checks/function.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <string>

#include "host/assignable.h"
#include "host/checks/acs.h"
#include "host/checks/device_nodes.h"
#include "host/checks/iommu.h"
#include "host/checks/sriov.h"
#include "host/pci_function.h"

namespace strait::host {
namespace {

using Blockers = std::vector<Blocker>;

const Blocker* find(const Blockers& blockers, Blocker::Kind kind) {
  const auto found = std::ranges::find(blockers, kind, &Blocker::kind);
  return found == blockers.end() ? nullptr : &*found;
}

/// `check` failed by a rule of assignment.
Check failed(Check check, const Blocker& blocker, std::string finding) {
  check.status = Status::kFailed;
  check.finding = std::move(finding);
  check.cause = blocker.brief;
  check.remedy = blocker.remedy;
  return check;
}

/// Why the kernel put functions into one group, as far as the bridges above tell.
std::string why_shared(const AcsReport& acs) {
  if (!acs.without.empty())
    return fmt::format("; {} above {} no ACS", fmt::join(acs.without, ", "), acs.without.size() == 1 ? "has" : "have");
  if (!acs.disabled.empty()) return fmt::format("; ACS is off in {} above", fmt::join(acs.disabled, ", "));
  return acs.unreadable.empty() ? "; the card's own functions are not kept apart" : "";
}

Check check_group(const HostView& host, const PciFunction& function, const Blockers& blockers) {
  Check check = {.kind = CheckKind::kGroup, .name = "group isolation"};
  if (const Blocker* none = find(blockers, Blocker::Kind::kNoIommu)) {
    check = failed(check, *none, "in no IOMMU group");
    if (count_iommu_groups(host.sysfs) == 0) check.remedy = "see IOMMU";
    return check;
  }
  const unsigned group = function.iommu_group().value_or(0);
  if (const Blocker* shared = find(blockers, Blocker::Kind::kSharedGroup)) {
    check = failed(check, *shared, fmt::format("group {} is shared with functions of the host", group));
    check.cause += why_shared(acs_above(host, function.bdf()));
    return check;
  }
  std::vector<std::string> others;
  for (const Bdf& bdf : function.group_members()) {
    const PciFunction member = function.sibling(bdf);
    if (bdf == function.bdf() || member.has_bus()) continue;
    const std::string driver = member.driver();
    others.push_back(fmt::format("{} ({})", bdf.to_string(), driver.empty() ? "no driver" : driver));
  }
  check.status = others.empty() ? Status::kOk : Status::kNote;
  check.finding = others.empty() ? fmt::format("alone in group {}", group)
                                 : fmt::format("group {} goes as a whole, with {}", group, fmt::join(others, ", "));
  return check;
}

Check check_acs(const HostView& host, const Bdf& bdf) {
  const AcsReport acs = acs_above(host, bdf);
  Check check = {.kind = CheckKind::kGroup, .name = "ACS above", .finding = "on in every bridge above it"};
  if (acs.bridges == 0) check.finding = "no bridge above it";
  if (acs.isolates()) return check;
  check.status = Status::kNote;
  if (!acs.without.empty()) {
    check.finding = fmt::format("none in {}", fmt::join(acs.without, ", "));
  } else if (!acs.disabled.empty()) {
    check.finding = fmt::format("off in {}", fmt::join(acs.disabled, ", "));
  } else {
    check.status = Status::kUnknown;
    check.finding = fmt::format("only root may read it of {}", fmt::join(acs.unreadable, ", "));
  }
  return check;
}

Check check_driver(const PciFunction& function, const Blockers& blockers) {
  Check check = {.kind = CheckKind::kDriver, .name = "driver", .finding = function.driver()};
  if (const Blocker* bridge = find(blockers, Blocker::Kind::kBridge)) return failed(check, *bridge, "a bridge");
  const Blocker* none = find(blockers, Blocker::Kind::kNoDriver);
  const Blocker* host_driver = find(blockers, Blocker::Kind::kHostDriver);
  if (none == nullptr && host_driver == nullptr) return check;
  if (host_driver != nullptr && function.sriov_total_vfs().value_or(0) > 0) {
    // Whether it is itself to go to a guest or has VFs for that, only the user knows; the latter is what most want of it.
    check.status = Status::kNote;
    check.finding += "; right while only its VFs go to guests";
    return check;
  }
  check = host_driver != nullptr ? failed(check, *host_driver, check.finding) : failed(check, *none, "none");
  check.remedy += fmt::format(", or for one run: strait run --device {},managed=on", function.bdf().to_string());
  return check;
}

/// The functions that VFIO can reset together with this one, by their bus: the others there, if all can be the same guest's. None on a root
/// bus, which is never reset, and for a virtual function, whose bus is its PF's.
std::vector<Bdf> reset_together(const HostView& host, const PciFunction& function) {
  if (function.physical_function() || acs_above(host, function.bdf()).bridges == 0) return {};
  std::vector<Bdf> others = all_functions(host.sysfs);
  std::erase_if(others, [self = function.bdf()](const Bdf& bdf) { return bdf == self || bdf.domain != self.domain || bdf.bus != self.bus; });
  const auto stays = [&](const Bdf& bdf) {
    const PciFunction other = function.sibling(bdf);
    return other.has_bus() || (!other.on_vfio() && other.iommu_group() != function.iommu_group());
  };
  return std::ranges::any_of(others, stays) ? std::vector<Bdf>() : others;
}

Check check_reset(const HostView& host, const PciFunction& function) {
  Check check = {.kind = CheckKind::kDriver, .name = "reset"};
  const auto methods = function.reset_methods();
  if (!methods) {
    check.finding = "can be reset";
  } else if (!methods->empty()) {
    check.finding = fmt::format("{}", fmt::join(*methods, ", "));
  } else if (const auto others = reset_together(host, function); !others.empty()) {
    check.status = Status::kNote;
    check.finding = fmt::format("only together with {}, by its bus", fmt::join(names_of(others), ", "));
  } else {
    check.status = Status::kWarning;
    check.finding = "no method";
    check.cause = "neither function-level reset, nor by power state, nor a bus of its own";
    check.remedy = "what a guest leaves in it, the next one finds: give it to one guest only, and reboot the host in between";
  }
  return check;
}

}  // namespace

std::vector<Check> check_function(const HostView& host, const Bdf& bdf) {
  const PciFunction function(bdf, host.sysfs);
  const Blockers blockers = assignment_blockers(function);
  if (find(blockers, Blocker::Kind::kBridge) != nullptr) return {check_driver(function, blockers)};
  std::vector<Check> checks;
  if (const auto group = function.iommu_group()) checks.push_back(check_group_node(host, *group));
  checks.push_back(check_group(host, function, blockers));
  checks.push_back(check_acs(host, bdf));
  checks.push_back(check_driver(function, blockers));
  checks.push_back(check_reset(host, function));
  for (Check& check : check_sriov(host, function)) checks.push_back(std::move(check));
  return checks;
}

}  // namespace strait::host
