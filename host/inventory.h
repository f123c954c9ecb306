#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "host/assignable.h"
#include "host/network_interface.h"
#include "host/pci_function.h"
#include "host/pci_ids.h"
#include "host/pci_interrupts.h"

namespace strait::host {

/// A network interface of a function's host driver.
struct InterfaceFacts {
  std::string name;                         ///< empty where another network namespace has it, which is all that sysfs then tells
  std::optional<NetworkInterface> details;  ///< nothing where this network namespace does not have it
  std::optional<unsigned> speed;            ///< in Mb/s, where there is a link that tells
};

/// All that one wants to know of a function before it is assigned. Names are empty where there are none.
struct FunctionFacts {
  Bdf bdf;
  std::optional<unsigned> group;
  PciIdentity identity;
  std::string vendor_name, device_name, subsystem_name, class_name;
  std::string driver;
  bool bridge = false;
  std::optional<unsigned> numa_node;
  std::optional<Bdf> physical_function;
  std::optional<unsigned> vf_index;
  std::optional<unsigned> total_vfs;
  std::optional<bool> drivers_autoprobe;
  std::vector<VirtualFunction> virtual_functions;
  std::optional<std::vector<std::string>> reset_methods;
  PciInterrupts interrupts;
  std::vector<InterfaceFacts> interfaces;
  std::vector<Blocker> blockers;       ///< empty: assignable as it stands
  std::optional<bool> in_use = false;  ///< by a process; nothing where only root can tell. Not take_inventory()'s, which knows no locks
};

struct Inventory {
  std::vector<std::string> iommu_units;  ///< such as dmar0 (VT-d) or ivhd0 (AMD-Vi)
  bool iommu = false;                    ///< whether there are groups; without any, nothing can be assigned
  bool names = false;                    ///< whether there was a file with names
  std::vector<FunctionFacts> functions;  ///< ascending
};

/// Where the facts come from; other places in tests.
struct InventorySources {
  std::filesystem::path sysfs = "/sys";
  std::vector<std::filesystem::path> pci_ids = PciIds::default_files();
  InterfaceLookup interface = interface_lookup();
};

/// Of `functions`. Those that have gone meanwhile are left out; what cannot be read is unknown. Waits for nobody: files that wait for a
/// driver's binding are not read.
Inventory take_inventory(const std::vector<Bdf>& functions, const InventorySources& sources = {});

}  // namespace strait::host
