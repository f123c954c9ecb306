#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "host/bdf.h"
#include "host/netlink.h"
#include "host/vf_settings.h"

namespace strait::host {

/// What a PF's driver says of each of its VFs, by their numbers.
using VfTable = std::map<unsigned, VfSettings>;

/// The network interface by which a PF is asked about its VFs; empty where there is none. Beside it there may be representors of VFs, which
/// know nothing of them.
std::string pf_interface(const Bdf& pf, const std::filesystem::path& sysfs = "/sys");

/// Asks the kernel for the VFs of the network interface `pf`. Empty where it has none. Throws Error where there is no such interface.
VfTable read_vf_table(const std::string& pf);

/// What an answer to RTM_GETLINK says of VFs (IFLA_VFINFO_LIST). What it leaves out, or is too short for, has no value.
VfTable parse_vf_table(const NetlinkMessage& message);

/// A request to change `settings` of the VF `vf` of the interface `index`. VLAN number, priority and protocol must come together, as must
/// both rates.
NetlinkRequest make_vf_request(int index, unsigned vf, const VfSettings& settings);

}  // namespace strait::host
