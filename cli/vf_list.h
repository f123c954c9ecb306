#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "binding/host.h"
#include "host/bdf.h"

namespace strait {

/// A PF and its VFs as a table, 80 columns wide, and as JSON: {"address", "interface", "driver", "total_vfs", "vfs": [{"index", "address",
/// "driver", "interface", "used", "settings": {...}}]}, with null for what there is not.
std::string vf_table(const host::Bdf& pf, const binding::Host& host);
nlohmann::json vf_json(const host::Bdf& pf, const binding::Host& host);

/// Every function of the host that can have VFs, ascending.
std::vector<host::Bdf> functions_with_sriov(const binding::Host& host);

}  // namespace strait
