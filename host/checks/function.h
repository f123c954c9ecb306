#pragma once

#include <vector>

#include "host/bdf.h"
#include "host/checks/check.h"
#include "host/checks/host_view.h"

namespace strait::host {

/// What is to be said of one PCI function: its group, the group's device file, its driver and reset, and for a PF or VF the link and the
/// VFs. Throws Error where there is no such function.
std::vector<Check> check_function(const HostView& host, const Bdf& bdf);

}  // namespace strait::host
