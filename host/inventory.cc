#include "host/inventory.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>

#include "base/error.h"
#include "base/syscall.h"

namespace strait::host {
namespace fs = std::filesystem;
namespace {

std::vector<std::string> entries_of(const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) names.push_back(entry.path().filename());
  std::ranges::sort(names);
  return names;
}

/// A file's only line; empty where it cannot be read.
std::string line_of(const fs::path& path) {
  try {
    return read_text_file(path);
  } catch (const Error&) {
    return {};
  }
}

InterfaceFacts look_at_interface(const std::string& name, const fs::path& function, const InventorySources& sources) {
  InterfaceFacts facts{.name = name, .details = {}, .speed = {}};
  try {
    facts.details = sources.interface(name);
  } catch (const Error&) {
    // What rtnetlink does not tell is unknown.
  }
  // -1 without a link.
  const std::string text = line_of(function / "net" / name / "speed");
  unsigned speed = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), speed);
  if (problem == std::errc() && end == text.data() + text.size() && speed != 0 && speed != 0xffffffff) facts.speed = speed;
  return facts;
}

void name(FunctionFacts& facts, const PciIds& ids) {
  const PciIdentity& identity = facts.identity;
  if (identity.class_code) facts.class_name = ids.class_name(*identity.class_code);
  if (!identity.vendor) return;
  facts.vendor_name = ids.vendor(*identity.vendor);
  if (!identity.device) return;
  facts.device_name = ids.device(*identity.vendor, *identity.device);
  if (!identity.subsystem_vendor || !identity.subsystem_device) return;
  facts.subsystem_name = ids.subsystem(*identity.vendor, *identity.device, *identity.subsystem_vendor, *identity.subsystem_device);
}

FunctionFacts look_at(const Bdf& bdf, const PciIds& ids, const InventorySources& sources) {
  const PciFunction function(bdf, sources.sysfs);
  FunctionFacts facts;
  facts.bdf = bdf;
  facts.group = function.iommu_group();
  facts.identity = function.identity();
  facts.driver = function.driver();
  facts.bridge = function.is_bridge();
  facts.numa_node = function.numa_node();
  facts.physical_function = function.physical_function();
  facts.vf_index = function.vf_index();
  facts.total_vfs = function.sriov_total_vfs();
  facts.drivers_autoprobe = function.sriov_drivers_autoprobe();
  facts.virtual_functions = function.virtual_functions();
  facts.reset_methods = function.reset_methods();
  facts.interrupts = interrupts_of(function.config());
  facts.blockers = assignment_blockers(function);
  name(facts, ids);
  for (const std::string& interface : interfaces_of(bdf, sources.sysfs)) {
    facts.interfaces.push_back(look_at_interface(interface, sources.sysfs / "bus/pci/devices" / bdf.to_string(), sources));
  }
  if (has_interfaces_elsewhere(bdf, sources.sysfs)) facts.interfaces.emplace_back();
  return facts;
}

}  // namespace

Inventory take_inventory(const std::vector<Bdf>& functions, const InventorySources& sources) {
  const PciIds ids = PciIds::load(sources.pci_ids);
  Inventory inventory{.iommu_units = entries_of(sources.sysfs / "class/iommu"), .iommu = count_iommu_groups(sources.sysfs) > 0, .names = !ids.empty(), .functions = {}};
  for (const Bdf& bdf : functions) {
    try {
      inventory.functions.push_back(look_at(bdf, ids, sources));
    } catch (const Error&) {
      // It has gone since it was found.
    }
  }
  std::ranges::sort(inventory.functions, {}, &FunctionFacts::bdf);
  return inventory;
}

}  // namespace strait::host
