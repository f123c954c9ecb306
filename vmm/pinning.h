#pragma once

#include <string_view>
#include <vector>

#include "base/cpu_set.h"
#include "host/cpus.h"

namespace strait {

/// For each vCPU the host's processors that its thread may run on; an empty set for any.
using Pinning = std::vector<CpuSet>;

/// The value of --pin for a guest of `vcpus`: "2,3,6-7", a processor for each vCPU in order, or "0:2,1:3-4", those for the vCPUs that are named,
/// where what has no colon belongs to the vCPU before it. Throws UsageError. Pure.
Pinning parse_pinning(std::string_view text, unsigned vcpus);

/// All processors that a vCPU is pinned to.
CpuSet all_of(const Pinning& pinning);

/// Where strait's other threads run beside vCPUs that let nothing else run on `dedicated`: where it was started, as far as that is not
/// theirs. Pure.
CpuSet beside(const CpuSet& dedicated, const host::HostCpus& cpus);

/// Throws Error unless each vCPU is pinned, as `option` (--dedicated, --rt) takes it, and something is left for the host and for strait's other
/// threads. Pure.
void check_room_beside(const Pinning& pinning, const host::HostCpus& cpus, std::string_view option);

/// Throws Error where two vCPUs may run on the same processor. Pure.
void check_not_shared(const Pinning& pinning);

/// Throws Error where a vCPU is pinned to a processor that this host does not have, that is offline, or that the process may not use. Pure.
void check_pinning(const Pinning& pinning, const host::HostCpus& cpus);

}  // namespace strait
