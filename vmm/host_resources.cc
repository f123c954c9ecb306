#include "vmm/host_resources.h"

#include "host/huge_page_pool.h"
#include "host/limits.h"

namespace strait {

void check_host_resources(const RunOptions& options) {
  if (is_pooled(options.huge_pages)) {
    host::check_huge_page_pool(options.memory, page_size(options.huge_pages));
  } else {
    host::check_available_memory(options.memory);
  }
  if (!options.pinning.empty()) check_pinning(options.pinning, host::HostCpus::real());
}

}  // namespace strait
