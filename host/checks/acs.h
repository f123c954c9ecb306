#pragma once

#include <string>
#include <vector>

#include "host/bdf.h"
#include "host/checks/host_view.h"

namespace strait::host {

/// How the bridges between a function and the root complex stand to Access Control Services (PCI Express base specification, 7.7.11),
/// without which functions below them can reach each other past the IOMMU, and so have to share a group.
struct AcsReport {
  unsigned bridges = 0;                 ///< how many there are
  std::vector<std::string> without;     ///< bridges that have none, or are of conventional PCI, where there is none
  std::vector<std::string> disabled;    ///< bridges that have it, and the kernel did not turn it on
  std::vector<std::string> unreadable;  ///< bridges whose extended configuration space only root may read
  bool isolates() const { return without.empty() && disabled.empty() && unreadable.empty(); }
};

AcsReport acs_above(const HostView& host, const Bdf& bdf);

}  // namespace strait::host
