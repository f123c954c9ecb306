#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace strait::binding {

/// Who has a device file open, by the descriptors of all processes: "process 1234 (qemu-system-x86)", empty for nobody. Nothing where that
/// cannot be told, since not every process of the host may be looked at: that takes root, and the host's own PID namespace. Opens nothing,
/// so that it is in nobody's way.
std::optional<std::string> opener_of(const std::filesystem::path& file, const std::filesystem::path& procfs = "/proc");

}  // namespace strait::binding
