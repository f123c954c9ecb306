#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "cli/explain_steps.h"
#include "host/bdf.h"
#include "host/vf_info.h"

namespace strait {

/// How the settings of an interface's VFs are read.
using VfReader = std::function<host::VfTable(const std::string& interface)>;

/// What this host says of a function that a guest has, and of the physical function behind it. Reads only. Not for a function that the host
/// wants back: whoever removes it holds locks that readers of its files may wait for.
HostFacts host_facts(const host::Bdf& bdf, const std::filesystem::path& sysfs = "/sys", const std::filesystem::path& procfs = "/proc",
                     const VfReader& read_vfs = host::read_vf_table);

}  // namespace strait
