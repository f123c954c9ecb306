#pragma once

#include <vector>

#include "host/checks/check.h"
#include "host/checks/host_view.h"
#include "host/pci_function.h"

namespace strait::host {

/// For a PF: whether it has free VFs, and its link. For a VF: its PF's driver and link. A free VF is neither a guest's nor an
/// interface that is up or in another network namespace. Nothing for other functions.
std::vector<Check> check_sriov(const HostView& host, const PciFunction& function);

}  // namespace strait::host
