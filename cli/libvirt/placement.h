#pragma once

#include <cstdint>

#include "cli/libvirt/config_text.h"
#include "cli/libvirt/document.h"

namespace strait::libvirt {

/// Where on the host a domain's memory and threads are to be. Each throws UsageError.

/// What `memory` bytes of guest memory are made of: hugepages.
void convert_hugepages(const Element& domain, std::uint64_t memory, ConfigText& config);
/// The host's NUMA node that they come from: numa.
void convert_numatune(const Element& domain, ConfigText& config);
/// The host's processors for the guest's, of which there are `cpus`: pin. Returns whether each has some. Where strait's other threads are
/// is the user's matter, as a comment says.
bool convert_pinning(const Element& domain, std::uint64_t cpus, ConfigText& config);

/// The real-time priority of their threads: rt, which takes pin for each.
void convert_scheduler(const Element& domain, std::uint64_t cpus, bool pinned, ConfigText& config);

}  // namespace strait::libvirt
