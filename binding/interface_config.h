#pragma once

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

namespace strait::binding {

/// The configuration of the network interface `name` that goes when its driver does, and no driver makes anew: names, alias, MAC, MTU,
/// length of the queue, group, flags, master, addresses and routes as the kernel describes them, and the interface's sysctls. It serves this
/// boot's kernel only. Throws Error.
nlohmann::json read_interface_config(const std::string& name, const std::filesystem::path& procfs = "/proc");

/// Gives the interface that is called `name` now that configuration. Compares first and changes only what differs, so that it can be
/// killed at any point and done again. An address or a route whose lifetime has passed meanwhile does not come back, and a route that needs
/// such an address is a warning, as a master is that is gone or refuses. Addresses and routes that others have added since stay. What the
/// kernel refuses keeps nothing else from coming: Error says all of it at the end.
void restore_interface_config(const std::string& name, const nlohmann::json& config, const std::filesystem::path& procfs = "/proc");

}  // namespace strait::binding
