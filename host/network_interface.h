#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
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

/// Finds an interface by its name or an alternative one; nothing where this network namespace has none. Throws Error where rtnetlink fails.
using InterfaceLookup = std::function<std::optional<NetworkInterface>(const std::string& name)>;

/// One that asks the kernel once, when it is first called, and answers from that: a router's table may have a million routes.
InterfaceLookup interface_lookup();

/// The network interfaces that the function's driver made, or another on top of it, in order. Sysfs shows those that are in the network
/// namespace that it was mounted in: an InterfaceLookup may know another.
std::vector<std::string> interfaces_of(const Bdf& function, const std::filesystem::path& sysfs = "/sys");

/// Whether the function has interfaces, all of them in network namespaces that sysfs does not show here, as that of a container: their
/// directory comes with the first and goes with the last, wherever they are.
bool has_interfaces_elsewhere(const Bdf& function, const std::filesystem::path& sysfs = "/sys");

/// That of them which is the function's own; empty where there is none. Beside a PF's there may be representors, which stand for its
/// virtual functions and subfunctions, and know nothing of their settings.
std::string pf_interface(const Bdf& function, const std::filesystem::path& sysfs = "/sys");

}  // namespace strait::host
