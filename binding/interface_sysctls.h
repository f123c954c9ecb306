#pragma once

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

namespace strait::binding {

/// An interface's sysctls, net.ipv4.conf.NAME and net.ipv6.conf.NAME: an object of file and value. Those that cannot be read are left out.
nlohmann::json read_sysctls(const std::string& interface, const std::filesystem::path& procfs);
/// Sets those that differ. One that cannot be set is a warning.
void restore_sysctls(const std::string& interface, const nlohmann::json& sysctls, const std::filesystem::path& procfs);

}  // namespace strait::binding
