#pragma once

#include <filesystem>
#include <optional>

namespace strait::host {

/// The IOMMU group whose file (/dev/vfio/N, wherever it was opened) `fd` is; nothing where it is another file, or sysfs does not say.
std::optional<unsigned> iommu_group_of_file(int fd, const std::filesystem::path& sysfs = "/sys");

}  // namespace strait::host
