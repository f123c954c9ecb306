#include "vmm/host_resources.h"

#include "host/huge_page_pool.h"
#include "host/limits.h"
#include "vmm/placement.h"

namespace strait {

void check_host_resources(const RunOptions& options) {
  if (options.numa.node) place_guest(options, {}, host::HostCpus::real());
  if (is_pooled(options.huge_pages)) {
    host::check_huge_page_pool(options.memory, page_size(options.huge_pages), options.numa.node);
  } else {
    host::check_available_memory(options.memory);
  }
  if (!options.pinning.empty()) check_pinning(options.pinning, host::HostCpus::real());
  if (options.dedicated) check_dedicated(options.pinning, host::HostCpus::real());
  if (options.priority != 0) host::check_real_time(options.priority);
}

}  // namespace strait
