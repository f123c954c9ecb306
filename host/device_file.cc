#include "host/device_file.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <charconv>
#include <string>
#include <system_error>

#include <fmt/format.h>

namespace strait::host {

std::optional<unsigned> iommu_group_of_file(int fd, const std::filesystem::path& sysfs) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0 || !S_ISCHR(status.st_mode)) return std::nullopt;
  std::error_code error;
  // Such as ../../devices/virtual/vfio/12; the container's file is misc/vfio.
  const auto entry = sysfs / fmt::format("dev/char/{}:{}", major(status.st_rdev), minor(status.st_rdev));
  const auto device = std::filesystem::read_symlink(entry, error);
  if (error || device.parent_path().filename() != "vfio") return std::nullopt;
  const std::string name = device.filename();
  unsigned group = 0;
  const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), group);
  return problem == std::errc() && end == name.data() + name.size() ? std::optional(group) : std::nullopt;
}

}  // namespace strait::host
