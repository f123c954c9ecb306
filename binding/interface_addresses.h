#pragma once

#include <nlohmann/json.hpp>

#include "host/netlink.h"

namespace strait::binding {

/// The addresses of an interface, each as the kernel describes it, but for the temporary ones that it makes itself; and the time.
nlohmann::json read_addresses(host::Netlink& netlink, int index);
/// Adds those that are missing, with what is left of their lifetimes.
void restore_addresses(host::Netlink& netlink, int index, const nlohmann::json& addresses);

/// The routes that leave by an interface, each as the kernel describes it, but for those that it makes itself: with an address, or for a
/// router's advertisement.
nlohmann::json read_routes(host::Netlink& netlink, int index);
/// Adds those that are missing. The addresses come first.
void restore_routes(host::Netlink& netlink, int index, const nlohmann::json& routes);

}  // namespace strait::binding
