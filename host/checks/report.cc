#include "host/checks/report.h"

#include <algorithm>
#include <iterator>

#include "host/checks/device_nodes.h"
#include "host/checks/function.h"
#include "host/checks/iommu.h"
#include "host/checks/kernel_module.h"
#include "host/checks/memory.h"
#include "host/checks/processor.h"

namespace strait::host {

std::vector<Check> check_all(const HostView& host, std::uint64_t memory, const std::optional<Bdf>& bdf) {
  std::vector<Check> checks = {check_processor(host),           check_kvm_node(host),         check_iommu(host),
                               check_interrupt_remapping(host), check_vfio_node(host),        check_locked_memory(host, memory),
                               check_huge_pages(host),          check_posted_interrupts(host)};
  std::ranges::move(check_modules(host), std::back_inserter(checks));
  if (bdf) std::ranges::move(check_function(host, *bdf), std::back_inserter(checks));
  std::ranges::stable_sort(checks, {}, &Check::kind);
  return checks;
}

}  // namespace strait::host
