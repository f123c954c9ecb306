#pragma once

#include "host/checks/check.h"
#include "host/checks/host_view.h"

namespace strait::host {

/// Whether this user can open the device files that a run opens. Each is opened indeed, and closed at once: permissions, device control
/// groups and security modules all have their say.
Check check_kvm_node(const HostView& host);
Check check_vfio_node(const HostView& host);
/// /dev/vfio/N, which only one process may have open: where one has, the check is of kind kDriver, and names it if it can. It is not opened
/// while a strait has taken a function of the group.
Check check_group_node(const HostView& host, unsigned group);

}  // namespace strait::host
