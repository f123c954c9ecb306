#pragma once

#include <string>

#include "base/unique_fd.h"

namespace strait::vfio {

/// Descriptors that whoever started this program opened and handed over, so that its user needs no access to the files in /dev/vfio. Each
/// of these checks what `fd` is, as far as the kernel tells, and takes it. Throw Error.

/// /dev/vfio/vfio.
UniqueFd take_container(int fd);
/// The file of IOMMU group `group`, /dev/vfio/N. `name` is the function that it is for.
UniqueFd take_group(int fd, unsigned group, const std::string& name);
/// A device of the IOMMU group `group_fd`, which is in a container. That it is the function `name`, and no other of the group, is
/// taken on trust.
UniqueFd take_device(int fd, int group_fd, const std::string& name);

}  // namespace strait::vfio
