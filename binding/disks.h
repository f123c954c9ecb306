#pragma once

#include <string>
#include <vector>

#include "binding/host.h"
#include "host/bdf.h"

namespace strait::binding {

/// What of the host uses the function's block devices: mounted, swap, part of another device (LVM, RAID, dm-crypt), claimed by something
/// that is not seen from here (a mount in another namespace, ZFS, btrfs), or open in a process. Empty where nothing does.
std::vector<std::string> uses_of_disks(const host::Bdf& function, const Host& host);

}  // namespace strait::binding
