#pragma once

#include <nlohmann/json.hpp>

#include "binding/attempts.h"
#include "host/netlink.h"

namespace strait::binding {

/// The routes that leave by an interface, each as the kernel describes it, as far as administrators make them (or DHCP for them). Others
/// come by themselves: the kernel makes some with an address or for a router's advertisement, and routing daemons theirs.
nlohmann::json read_routes(host::Netlink& netlink, int index);
/// Adds those that are missing, with what is left of their lifetimes, and to those of several legs the interface's; without an interface
/// that is not there a route has the others, and that is a warning. The addresses come
/// first: `all_alive` is what restore_addresses() said. A route with the source address of an interface that has no link is a warning, and
/// so is one that the kernel refuses for want of an address where one's lifetime has passed.
void restore_routes(host::Netlink& netlink, int index, const nlohmann::json& routes, bool all_alive, Attempts& attempts);

}  // namespace strait::binding
