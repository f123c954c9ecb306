#pragma once

#include <chrono>

#include <nlohmann/json.hpp>

#include "binding/attempts.h"
#include "host/netlink.h"

namespace strait::binding {

/// The addresses of an interface, each as the kernel describes it, but for the temporary ones that it makes itself; and the time.
nlohmann::json read_addresses(host::Netlink& netlink, int index);
/// Adds those that are missing, with what is left of their lifetimes. False where one does not come back, since its lifetime has passed.
bool restore_addresses(host::Netlink& netlink, int index, const nlohmann::json& addresses, Attempts& attempts);
/// Waits until the kernel knows of each IPv6 address of the interface that it is nobody else's, which it asks on a link that is there: to
/// negotiate one takes up to five seconds, to ask one more. False where it still does not.
bool await_addresses(host::Netlink& netlink, int index, std::chrono::milliseconds patience = std::chrono::seconds(8));

}  // namespace strait::binding
