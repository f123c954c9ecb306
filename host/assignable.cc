#include "host/assignable.h"

#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"

namespace strait::host {
namespace {

/// Drivers that hold no device of a group against VFIO: the bridges', and a stub that never touches the hardware.
bool is_harmless(std::string_view driver) { return driver.empty() || driver == "pci-stub" || driver == "pcieport"; }

Blocker bridge(const std::string& name) {
  return {.kind = Blocker::Kind::kBridge,
          .message = name + " is a bridge, which is no device for a guest",
          .brief = "a bridge, which is no device for a guest",
          .remedy = "name a device behind it; strait devices lists them",
          .bind = {}};
}

Blocker no_iommu(const PciFunction& function) {
  return {.kind = Blocker::Kind::kNoIommu,
          .message = "no IOMMU translates for " + function.bdf().to_string(),
          .brief = "no IOMMU translates for it",
          .remedy = no_iommu_remedy(function),
          .bind = {}};
}

Blocker wrong_driver(const PciFunction& function, const std::string& driver) {
  const std::string name = function.bdf().to_string(), interface = function.network_interface();
  const std::string brief =
      driver.empty() ? "bound to no driver" : fmt::format("bound to the host driver {}{}", driver, interface.empty() ? "" : " as " + interface);
  return {.kind = driver.empty() ? Blocker::Kind::kNoDriver : Blocker::Kind::kHostDriver,
          .message = name + " is " + brief,
          .brief = brief,
          .remedy = "give it to vfio-pci: strait bind " + name,
          .bind = {function.bdf()}};
}

/// A function that a host driver uses, in the group of another.
struct Holder {
  Bdf bdf;
  std::string driver;
  bool bridge;
};

Blocker shared_group(const std::string& name, unsigned group, const std::vector<Holder>& holders) {
  constexpr std::string_view kMove = "move the card to a slot with a group of its own";
  std::vector<std::string> named;
  std::vector<Bdf> bind;
  bool needed = false;  // by the host itself
  for (const Holder& holder : holders) {
    named.push_back(fmt::format("{} ({})", holder.bdf.to_string(), holder.driver));
    bind.push_back(holder.bdf);
    needed = needed || holder.bridge;
  }
  if (needed) bind.clear();
  return {.kind = Blocker::Kind::kSharedGroup,
          .message = fmt::format("IOMMU group {} of {} is shared with functions that host drivers use: {}", group, name, fmt::join(named, ", ")),
          .brief = fmt::format("shares its group with {}", fmt::join(named, ", ")),
          .remedy = needed ? std::string(kMove)
                           : fmt::format("give these to vfio-pci, too: strait bind {}, or {}", fmt::join(names_of(bind), " "), kMove),
          .bind = bind};
}

}  // namespace

std::string no_iommu_remedy(const PciFunction& function) {
  if (count_iommu_groups(function.sysfs()) > 0) {
    return "the IOMMU is on, but no unit of it is in charge of this device: take another, or put the card into another slot";
  }
  return "enable VT-d or AMD-Vi in the firmware set-up and boot the host with intel_iommu=on (AMD needs no option)";
}

std::vector<Blocker> assignment_blockers(const PciFunction& function) {
  std::vector<Blocker> blockers;
  const std::string name = function.bdf().to_string();
  // VFIO would take the bridge to ISA, but the host cannot do without it.
  if (function.has_bus() || (function.is_bridge() && !function.on_vfio())) return {bridge(name)};
  const auto group = function.iommu_group();
  if (!group) blockers.push_back(no_iommu(function));
  if (!function.on_vfio()) blockers.push_back(wrong_driver(function, function.driver()));
  std::vector<Holder> holders;
  for (const Bdf& bdf : function.group_members()) {
    if (bdf == function.bdf()) continue;
    const PciFunction member = function.sibling(bdf);
    const std::string driver = member.driver();
    if (member.on_vfio() || is_harmless(driver) || member.has_bus()) continue;
    holders.push_back({.bdf = bdf, .driver = driver, .bridge = member.is_bridge()});
  }
  if (group && !holders.empty()) blockers.push_back(shared_group(name, *group, holders));
  return blockers;
}

void check_assignable(const PciFunction& function) {
  const std::vector<Blocker> blockers = assignment_blockers(function);
  if (!blockers.empty()) throw Error(blockers.front().message, blockers.front().remedy);
}

}  // namespace strait::host
