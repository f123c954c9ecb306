#pragma once

#include <cstdint>

namespace strait::host {

/// Throws Error unless this process may pin `bytes` for DMA: RLIMIT_MEMLOCK allows it, or the process has CAP_IPC_LOCK. The message
/// gives the bytes needed, the limit, and the line that raises it.
void check_memlock(std::uint64_t bytes);

/// Throws Error when the host cannot hold a guest of `bytes`: they are to be pinned, so what is available now counts.
void check_available_memory(std::uint64_t bytes);

/// CPUs this process may run on, at least 1.
unsigned usable_cpus();

}  // namespace strait::host
