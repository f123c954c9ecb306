#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "binding/host.h"
#include "host/bdf.h"
#include "host/open_devices.h"
#include "host/vf_settings.h"

namespace strait {

/// A VF as `strait vf list` shows it.
struct ListedVf {
  unsigned index = 0;
  host::Bdf bdf;
  std::string driver, interface;             ///< empty for none
  std::optional<std::string> used;           ///< "by strait, process 4711"; empty for by nobody, nothing where only root can tell
  std::optional<host::VfSettings> settings;  ///< nothing where the PF's driver tells none
};

/// A PF with its VFs.
struct ListedPf {
  host::Bdf bdf;
  std::string driver, interface;  ///< empty for none
  unsigned total_vfs = 0;
  std::vector<ListedVf> vfs;  ///< by index
};

/// Looks at a PF; what goes meanwhile is left out. Throws Error where the PF itself is not there, or has no SR-IOV.
ListedPf look_at_vfs(const host::Bdf& pf, const host::OpenDevices& open, const binding::Host& host);
/// Every PF of the host, ascending.
std::vector<ListedPf> look_at_all_vfs(const host::OpenDevices& open, const binding::Host& host);

/// As a table, 80 columns wide.
std::string vf_table(const ListedPf& pf);
/// {"address", "interface", "driver", "total_vfs", "vfs": [{"index", "address", "driver", "interface", "free", "used", "settings": {...}}]},
/// with null for what there is not; "free" is null where only root can tell, and "used" says by whom.
nlohmann::json vf_json(const ListedPf& pf);

}  // namespace strait
