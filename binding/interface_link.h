#pragma once

#include <chrono>

#include "host/netlink.h"

namespace strait::binding {

/// Waits until the interface has a link and the kernel's protocols know: to negotiate one takes up to five seconds. False where it still
/// has none.
bool await_link(host::Netlink& netlink, int index, std::chrono::milliseconds patience = std::chrono::seconds(8));

}  // namespace strait::binding
