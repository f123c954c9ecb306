#pragma once

#include <vector>

#include "host/checks/check.h"
#include "host/checks/host_view.h"
#include "host/pci_function.h"

namespace strait::host {

/// For a PF: whether it has free VFs, and its link. For a VF: its PF's driver and link. A free VF is neither open by a guest nor an
/// interface of the host that is up. Nothing for other functions.
std::vector<Check> check_sriov(const HostView& host, const PciFunction& function);

}  // namespace strait::host
