#pragma once

#include <string>
#include <vector>

#include "host/pci_function.h"

namespace strait::host {

/// What stands between a function and a guest: one of the rules of check_assignable(), or a process that has it.
struct Blocker {
  enum class Kind { kBridge, kNoIommu, kHostDriver, kNoDriver, kSharedGroup, kInUse };

  Kind kind;
  std::string message;    ///< "0000:01:10.0 is bound to no driver"
  std::string brief;      ///< the same where it is clear which function is meant: "bound to no driver"
  std::string remedy;     ///< what to do
  std::vector<Bdf> bind;  ///< the functions that `strait bind` would have to take, where that is what to do
};

/// Everything that keeps `function` from being assigned as it stands, the most fundamental first. Empty: VFIO will have it and its whole
/// group, each on a VFIO driver, a harmless one or none, behind an IOMMU.
std::vector<Blocker> assignment_blockers(const PciFunction& function);

/// What to do about a function that is in no IOMMU group.
std::string no_iommu_remedy(const PciFunction& function);

/// Throws Error with the first of them.
void check_assignable(const PciFunction& function);

}  // namespace strait::host
