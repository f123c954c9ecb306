#include "host/checks/acs.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <system_error>

#include "base/error.h"
#include "base/little_endian.h"

namespace strait::host {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kCapabilities = 0x34;
constexpr std::uint8_t kExpressCapability = 0x10;
constexpr std::size_t kExtendedSpace = 0x100;
constexpr std::uint16_t kAcsCapability = 0x000d;
/// Source validation, request redirect, completion redirect, upstream forwarding: what Linux wants of a bridge before it makes groups.
constexpr std::uint16_t kIsolation = 0x1d;

enum class Acs { kOn, kOff, kNone, kUnreadable };

using Config = std::span<const std::uint8_t>;

/// The port's type of the Express capability: 4 root port, 5 upstream, 6 downstream port, 7 bridge to PCI; nothing for conventional PCI.
/// A walk has no more steps than there are places.
std::optional<unsigned> port_type(Config config) {
  if (config.size() < kExtendedSpace) return std::nullopt;
  std::size_t at = config[kCapabilities] & 0xfcu;
  for (int steps = 0; at >= 0x40 && steps < 48; ++steps, at = config[at + 1] & 0xfcu) {
    if (config[at] == kExpressCapability) return (load<std::uint16_t>(config, at + 2) >> 4) & 0xfu;
  }
  return std::nullopt;
}

std::optional<std::size_t> find_extended(Config config, std::uint16_t id) {
  std::size_t at = kExtendedSpace;
  for (int steps = 0; at >= kExtendedSpace && at + 8 <= config.size() && steps < 960; ++steps) {
    const auto header = load<std::uint32_t>(config, at);
    if ((header & 0xffff) == id) return at;
    at = (header >> 20) & 0xffc;
  }
  return std::nullopt;
}

Acs acs_of(Config config) {
  if (config.size() < kExtendedSpace) return Acs::kUnreadable;
  const auto type = port_type(config);
  if (!type) return Acs::kNone;
  if (*type == 5) return Acs::kOn;  // an upstream port has nothing beside itself to keep apart
  if (*type != 4 && *type != 6) return Acs::kNone;
  const auto at = find_extended(config, kAcsCapability);
  if (!at) return Acs::kNone;
  const std::uint16_t able = load<std::uint16_t>(config, *at + 4) & kIsolation;
  return (load<std::uint16_t>(config, *at + 6) & able) == able ? Acs::kOn : Acs::kOff;
}

std::optional<Bdf> address(const fs::path& directory) {
  try {
    return Bdf::parse(directory.filename().string());
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

AcsReport acs_above(const HostView& host, const Bdf& bdf) {
  AcsReport report;
  std::error_code error;
  fs::path directory = fs::canonical(host.sysfs / "bus/pci/devices" / bdf.to_string(), error).parent_path();
  for (; !error; directory = directory.parent_path()) {
    const auto bridge = address(directory);
    if (!bridge) break;
    ++report.bridges;
    const std::string config = host.read_sysfs(directory / "config").value_or("");  // an absolute path stands for itself
    switch (acs_of({reinterpret_cast<const std::uint8_t*>(config.data()), config.size()})) {
      case Acs::kNone: report.without.push_back(bridge->to_string()); break;
      case Acs::kOff: report.disabled.push_back(bridge->to_string()); break;
      case Acs::kUnreadable: report.unreadable.push_back(bridge->to_string()); break;
      case Acs::kOn: break;
    }
  }
  return report;
}

}  // namespace strait::host
