#pragma once

#include "host/checks/check.h"
#include "host/checks/host_view.h"

namespace strait::host {

/// Whether the processor can run guests: its flag, which the firmware may have locked away.
Check check_processor(const HostView& host);

}  // namespace strait::host
