#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "binding/host.h"
#include "cli/command.h"
#include "host/bdf.h"
#include "host/inventory.h"
#include "host/open_devices.h"

namespace strait {

/// What `strait devices` is asked for.
struct DevicesRequest {
  std::vector<std::string> addresses;  ///< in any form; none for all functions
  bool all = false;                    ///< bridges, too
  bool json = false;

  /// The words behind "devices". Throws UsageError.
  static DevicesRequest parse(Words words);
  /// The functions that are meant, each once. Throws as host::resolve() does, and Error for an address that this host does not have.
  std::vector<host::Bdf> functions(const std::filesystem::path& sysfs = "/sys") const;
};

/// Adds what processes have to what keeps functions from being assigned.
void add_users(host::Inventory& inventory, const host::OpenDevices& open, const binding::Host& host);

/// `strait devices`: prints what can be assigned, and why the rest cannot. Throws UsageError and Error.
int run_devices(Words words);

std::string devices_help();

}  // namespace strait
