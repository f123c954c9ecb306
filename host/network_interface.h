#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "host/bdf.h"

namespace strait::host {

/// What rtnetlink says of a network interface of this host (of this network namespace): a snapshot.
struct NetworkInterface {
  int index = 0;
  std::string name;
  std::vector<std::string> altnames;
  std::string mac;            ///< like 52:54:00:12:34:56; empty where it has none
  std::string permanent_mac;  ///< of the hardware; empty where the driver does not tell
  std::uint32_t mtu = 0;
  bool up = false;                     ///< set up by the administrator
  bool carrier = false;                ///< the driver has a link
  std::string master;                  ///< the bridge, bond or VRF that it belongs to, empty for none
  std::vector<std::string> uppers;     ///< interfaces on top of it, like VLANs and macvlans, but for the master
  std::vector<std::string> addresses;  ///< with the prefix length: 192.0.2.1/24, fe80::1/64
  bool default_route = false;          ///< a default route of any table leaves by it
};

/// Nothing where there is no interface of that name (or alternative name). Throws Error where rtnetlink fails.
std::optional<NetworkInterface> network_interface(const std::string& name);

/// The network interfaces that the function's driver made, or another on top of it, in order; they may be in another network namespace than
/// ours, where network_interface() does not find them.
std::vector<std::string> interfaces_of(const Bdf& function, const std::filesystem::path& sysfs = "/sys");

}  // namespace strait::host
