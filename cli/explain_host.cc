#include "cli/explain_host.h"

#include <net/if.h>

#include <optional>
#include <string>

#include "base/error.h"
#include "base/syscall.h"
#include "host/checks/iommu.h"
#include "host/interrupt_counts.h"
#include "host/network_interface.h"
#include "host/pci_function.h"

namespace strait {
namespace {

namespace fs = std::filesystem;

/// An interface that is down has no carrier to tell of: reading fails.
std::optional<std::string> attribute(const fs::path& file) {
  try {
    return read_text_file(file);
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// Where the interface is in another network namespace, or went a moment ago, nobody tells.
host::VfSettings settings_of(const PhysicalFacts& physical, const VfReader& read_vfs) {
  try {
    const host::VfTable table = read_vfs(physical.interface);
    const auto found = table.find(physical.index);
    return found == table.end() ? host::VfSettings() : found->second;
  } catch (const Error&) {
    return {};
  }
}

/// The function, or its physical one, may have gone a moment ago.
std::optional<PhysicalFacts> physical_facts(const host::Bdf& bdf, const fs::path& sysfs, const VfReader& read_vfs) try {
  const host::PciFunction function(bdf, sysfs);
  const auto address = function.physical_function();
  const auto index = function.vf_index();
  if (!address || !index) return std::nullopt;
  const host::PciFunction physical = function.sibling(*address);
  PhysicalFacts facts;
  facts.address = address->to_string();
  facts.driver = physical.driver();
  facts.index = *index;
  facts.interface = physical.network_interface();
  facts.elsewhere = host::has_interfaces_elsewhere(*address, sysfs);
  if (facts.interface.empty()) return facts;
  const fs::path interface = sysfs / "bus/pci/devices" / facts.address / "net" / facts.interface;
  if (const auto flags = attribute(interface / "flags")) facts.up = (std::stoul(*flags, nullptr, 16) & IFF_UP) != 0;
  if (const auto carrier = attribute(interface / "carrier")) facts.carrier = *carrier == "1";
  facts.settings = settings_of(facts, read_vfs);
  return facts;
} catch (const Error&) {
  return std::nullopt;
}

std::optional<bool> posted_interrupts(const fs::path& sysfs, const fs::path& procfs) {
  host::HostView host;
  host.sysfs = sysfs;
  host.procfs = procfs;
  return host::posts_interrupts(host);
}

}  // namespace

HostFacts host_facts(const host::Bdf& bdf, const fs::path& sysfs, const fs::path& procfs, const VfReader& read_vfs) {
  return {.interrupts = host::vfio_interrupts(bdf, procfs),
          .watched = {},
          .posted = posted_interrupts(sysfs, procfs),
          .physical = physical_facts(bdf, sysfs, read_vfs)};
}

}  // namespace strait
