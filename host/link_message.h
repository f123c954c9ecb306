#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/netlink.h"

namespace strait::host {

/// What rtnetlink's messages about links (RTM_NEWLINK) say: IFLA_..., empty or 0 where they do not have it.
std::string link_text(const NetlinkMessage& link, int type);
std::uint32_t link_number(const NetlinkMessage& link, int type);
int link_index(const NetlinkMessage& link);
std::vector<std::string> link_altnames(const NetlinkMessage& link);
/// The interface's own MAC address: one that belongs to a bond has the bond's meanwhile.
std::vector<std::uint8_t> link_own_mac(const NetlinkMessage& link);

/// The link with that index. Throws Error where there is none.
NetlinkMessage get_link(Netlink& netlink, int index);
/// Whether that is a name of the link, or one of its alternative names.
bool is_called(const NetlinkMessage& link, const std::string& name);
/// The link that is called `name`, nothing where none is. Throws Error where rtnetlink fails.
std::optional<NetlinkMessage> find_link(Netlink& netlink, const std::string& name);

}  // namespace strait::host
