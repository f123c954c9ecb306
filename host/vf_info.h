#pragma once

#include <map>
#include <string>
#include <string_view>

#include "host/netlink.h"
#include "host/vf_settings.h"

namespace strait::host {

/// What a PF's driver says of each of its VFs, by their numbers.
using VfTable = std::map<unsigned, VfSettings>;

/// Whether the VFs of a PF with this driver have no link, and mostly do not even start, while the PF's interface is down. With the drivers of
/// cards whose firmware runs the link they may have one, with others nobody here knows.
bool vfs_need_pf_up(std::string_view driver);

/// Asks the kernel for the VFs of the network interface `pf`. Empty where it has none. Throws Error where there is no such interface.
VfTable read_vf_table(const std::string& pf);

/// What an answer to RTM_GETLINK says of VFs (IFLA_VFINFO_LIST). What it leaves out, or is too short for, has no value.
VfTable parse_vf_table(const NetlinkMessage& message);

/// A request to change `settings` of the VF `vf` of the interface `index`. VLAN number, priority and protocol must come together, as must
/// both rates.
NetlinkRequest make_vf_request(int index, unsigned vf, const VfSettings& settings);

}  // namespace strait::host
