#pragma once

#include <string>

#include "cli/screen.h"
#include "host/inventory.h"

namespace strait {

/// The inventory for people: a tree of IOMMU groups and their functions, virtual ones behind their physical one, 80 columns wide at most.
/// Names are cut for that, addresses never.
std::string devices_text(const host::Inventory& inventory, const Screen& screen);

}  // namespace strait
