#include "host/device_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "base/syscall.h"
#include "tests/fakes/temporary_directory.h"

namespace strait::host {
namespace {

/// What /dev/null would be if its entry in sysfs, 1:3, pointed to `target`.
std::optional<unsigned> group_behind(const char* target) {
  const test::TemporaryDirectory sysfs;
  std::filesystem::create_directories(sysfs.path() / "dev/char");
  std::filesystem::create_symlink(target, sysfs.path() / "dev/char/1:3");
  return iommu_group_of_file(open_file("/dev/null", O_RDWR).get(), sysfs.path());
}

TEST(DeviceFile, AGroupsFileSaysWhichItIs) { EXPECT_EQ(group_behind("../../devices/virtual/vfio/12"), 12u); }

TEST(DeviceFile, OtherFilesAreNoGroup) {
  EXPECT_EQ(group_behind("../../devices/virtual/misc/vfio"), std::nullopt) << "the container's";
  EXPECT_EQ(group_behind("../../devices/virtual/mem/12"), std::nullopt);
  EXPECT_EQ(group_behind("../../devices/virtual/vfio/noiommu-0"), std::nullopt);
  EXPECT_EQ(iommu_group_of_file(open_file("/dev/null", O_RDWR).get()), std::nullopt);
  const test::TemporaryDirectory directory;
  EXPECT_EQ(iommu_group_of_file(open_file(directory.write("file", ""), O_RDONLY).get()), std::nullopt);
  EXPECT_EQ(iommu_group_of_file(-1), std::nullopt);
}

TEST(DeviceFile, WithoutSysfsNothingIsKnown) {
  EXPECT_EQ(iommu_group_of_file(open_file("/dev/null", O_RDWR).get(), "/nonexistent"), std::nullopt);
}

}  // namespace
}  // namespace strait::host
