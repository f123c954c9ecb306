#include "cli/explain_host.h"

#include <net/if.h>

#include <string>
#include <system_error>

#include <fmt/format.h>

#include "base/error.h"
#include "base/syscall.h"
#include "host/interrupt_counts.h"
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

/// The physical function's symbolic links virtfn0, virtfn1, ... lead to its virtual functions.
unsigned index_of(const fs::path& physical, const host::Bdf& bdf) {
  std::error_code error;
  for (unsigned index = 0;; ++index) {
    const fs::path target = fs::read_symlink(physical / fmt::format("virtfn{}", index), error);
    if (error || target.filename() == bdf.to_string()) return index;
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

std::optional<PhysicalFacts> physical_facts(const host::Bdf& bdf, const fs::path& sysfs, const VfReader& read_vfs) {
  std::error_code error;
  const fs::path link = fs::read_symlink(sysfs / "bus/pci/devices" / bdf.to_string() / "physfn", error);
  if (error) return std::nullopt;
  PhysicalFacts facts;
  facts.address = link.filename();
  const fs::path physical = sysfs / "bus/pci/devices" / facts.address;
  facts.index = index_of(physical, bdf);
  facts.interface = host::PciFunction(host::Bdf::parse(facts.address), sysfs).network_interface();
  if (facts.interface.empty()) return facts;
  const fs::path interface = physical / "net" / facts.interface;
  if (const auto flags = attribute(interface / "flags")) facts.up = (std::stoul(*flags, nullptr, 16) & IFF_UP) != 0;
  if (const auto carrier = attribute(interface / "carrier")) facts.carrier = *carrier == "1";
  facts.settings = settings_of(facts, read_vfs);
  return facts;
}

}  // namespace

HostFacts host_facts(const host::Bdf& bdf, const fs::path& sysfs, const fs::path& procfs, const VfReader& read_vfs) {
  HostFacts facts;
  facts.interrupts = host::vfio_interrupts(bdf, procfs);
  facts.physical = physical_facts(bdf, sysfs, read_vfs);
  return facts;
}

}  // namespace strait
