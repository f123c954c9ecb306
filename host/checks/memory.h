#pragma once

#include <cstdint>

#include "host/checks/check.h"
#include "host/checks/host_view.h"

namespace strait::host {

/// Whether a guest of `bytes` of memory may be pinned for DMA.
Check check_locked_memory(const HostView& host, std::uint64_t bytes);

/// What huge pages there are: reserved ones by size, and transparent ones. A note: a guest runs without, only slower.
Check check_huge_pages(const HostView& host);

}  // namespace strait::host
