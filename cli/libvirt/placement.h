#pragma once

#include <cstdint>

#include "cli/libvirt/config_text.h"
#include "cli/libvirt/document.h"

namespace strait::libvirt {

/// Where on the host a domain's memory and threads are to be. strait has no options for that: what the domain asks for goes into the file
/// as comments, with what to do for it. Throws UsageError.
void convert_hugepages(const Element& domain, ConfigText& config);
/// `cpus` is how many processors the guest has.
void convert_pinning(const Element& domain, std::uint64_t cpus, ConfigText& config);

}  // namespace strait::libvirt
