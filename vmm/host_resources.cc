#include "vmm/host_resources.h"

#include <optional>

#include <fmt/format.h>

#include "base/error.h"
#include "host/huge_page_pool.h"
#include "host/limits.h"
#include "kvm/kvm.h"
#include "vmm/placement.h"

namespace strait {
namespace {

/// `node` is the one that all of it must come from, if there is one.
void check_memory(const RunOptions& options, std::optional<unsigned> node) {
  if (node) host::check_memory_node(*node);
  if (is_pooled(options.huge_pages)) {
    host::check_huge_page_pool(options.memory, page_size(options.huge_pages), node);
    // Reserved pages are on no node: one that is missing there later ends whoever touches it.
    if (node && !options.prefault) {
      throw Error(fmt::format("--prefault off: with --hugepages {} and --numa {} a page could be missing when the guest touches it",
                              name_of(options.huge_pages), *node),
                  "leave it out");
    }
  } else if (node) {
    host::check_node_memory(options.memory, *node);
  } else {
    host::check_available_memory(options.memory);
  }
}

}  // namespace

void check_host_resources(const RunOptions& options, const host::HostCpus& cpus) {
  check_memory(options, place_guest(options, {}, cpus).node);
  check_processors(options, cpus);
  if (options.dedicated) kvm::Kvm().idle_exits();
  if (options.priority == 0) return;
  host::check_real_time(options.priority);
  if (options.dedicated) host::warn_of_throttling();
}

void check_processors(const RunOptions& options, const host::HostCpus& cpus) {
  if (!options.pinning.empty()) check_pinning(options.pinning, cpus);
  if (options.dedicated) check_not_shared(options.pinning);
  if (options.keeps_processors()) check_room_beside(options.pinning, cpus, options.dedicated ? "--dedicated" : "--rt");
}

}  // namespace strait
