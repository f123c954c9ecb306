#pragma once

#include <string>

#include "host/inventory.h"

namespace strait {

/// The inventory for programs: one JSON object. What is unknown, or not there, is null.
std::string devices_json(const host::Inventory& inventory);

}  // namespace strait
