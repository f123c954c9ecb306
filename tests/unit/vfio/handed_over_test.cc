#include "vfio/handed_over.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/syscall.h"
#include "tests/unit/error_of.h"

namespace strait::vfio {
namespace {

// What VFIO's own files answer, only a host with VFIO can show: the lab's case handed-over does.
class HandedOver : public testing::Test {
 protected:
  const UniqueFd null_ = open_file("/dev/null", O_RDWR);
  const int fd_ = null_.get();
};

TEST_F(HandedOver, AnotherFileIsNamed) {
  EXPECT_EQ(test::error_of([&] { take_container(fd_); }),
            fmt::format("container-fd={} is no VFIO container; hand over an open /dev/vfio/vfio", fd_));
  EXPECT_EQ(test::error_of([&] { take_group(fd_, 12, "0000:01:10.0"); }),
            fmt::format("group-fd={} is no VFIO group; hand over an open /dev/vfio/12", fd_));
  EXPECT_EQ(test::error_of([&] { take_device(fd_, fd_, "0000:01:10.0"); }),
            fmt::format("fd={} is no VFIO device; hand over what VFIO_GROUP_GET_DEVICE_FD returned for 0000:01:10.0", fd_));
}

TEST_F(HandedOver, WhatIsRefusedIsNotTaken) {
  test::error_of([&] { take_container(fd_); });
  EXPECT_GE(::fcntl(fd_, F_GETFD), 0) << "still open";
}

}  // namespace
}  // namespace strait::vfio
