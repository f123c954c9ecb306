#include "host/open_devices.h"

#include <fcntl.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/unique_fd.h"
#include "tests/fakes/temporary_directory.h"
#include "tests/unit/as_nobody.h"

namespace strait::host {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

/// /dev/zero, /dev/full and /dev/null stand for the device files, which only root could make.
class OpenDevicesTest : public testing::Test {
 protected:
  void add(const std::string& pid, const std::string& name, const std::vector<std::string>& files) {
    procfs_.write(pid + "/comm", name + "\n");
    fs::create_directories(procfs_.path() / pid / "fd");
    for (std::size_t fd = 0; fd < files.size(); ++fd) fs::create_symlink(files[fd], procfs_.path() / pid / "fd" / std::to_string(fd));
  }

  const test::TemporaryDirectory procfs_;
};

TEST_F(OpenDevicesTest, EachProcessThatHasAFileOpenIsItsUser) {
  add("4711", "qemu-system-x86", {"/dev/null", "/dev/zero", "anon_inode:[vfio-device]"});
  add("815", "launcher", {"/dev/zero", "/dev/zero"});
  add("7", "strait", {"/dev/full", "socket:[12]", "/"});
  procfs_.write("self/comm", "test\n");
  const OpenDevices open(procfs_.path());
  EXPECT_THAT(open.users_of("/dev/zero"), ElementsAre(Process{815, "launcher"}, Process{4711, "qemu-system-x86"}));
  EXPECT_THAT(open.users_of("/dev/full"), ElementsAre(Process{7, "strait"}));
  EXPECT_THAT(open.users_of("/dev/random"), IsEmpty());
  EXPECT_THAT(open.users_of("/dev/no such file"), IsEmpty());
  EXPECT_THAT(open.users_of("/"), IsEmpty()) << "that is no device";
  EXPECT_TRUE(open.complete());
}

TEST_F(OpenDevicesTest, AFileIsKnownByAnyName) {
  add("4711", "qemu-system-x86", {"/dev/zero"});
  fs::create_symlink("/dev/zero", procfs_.path() / "elsewhere");
  EXPECT_THAT(OpenDevices(procfs_.path()).users_of(procfs_.path() / "elsewhere"), ElementsAre(Process{4711, "qemu-system-x86"}));
}

TEST_F(OpenDevicesTest, AProcessThatHasEndedUsesNothing) {
  procfs_.write("12/comm", "short\n");
  EXPECT_TRUE(OpenDevices(procfs_.path()).complete());
}

TEST_F(OpenDevicesTest, WithAProcessThatMayNotBeLookedAtItIsNotComplete) {
  add("4711", "qemu-system-x86", {"/dev/zero"});
  fs::permissions(procfs_.path(), fs::perms(0755));
  fs::permissions(procfs_.path() / "4711/fd", fs::perms::none);
  const test::AsNobody nobody;
  if (!nobody.works()) GTEST_SKIP() << "this process can be nobody else";
  const OpenDevices open(procfs_.path());
  EXPECT_FALSE(open.complete());
  EXPECT_THAT(open.users_of("/dev/zero"), IsEmpty());
}

/// A container, and a procfs that hides other users' processes.
TEST_F(OpenDevicesTest, WithProcessesThatAreNotShownItIsNotComplete) {
  procfs_.write("self/ns/pid", "not the first namespace's");
  EXPECT_FALSE(OpenDevices(procfs_.path()).complete());
}

TEST(OpenDevicesOfThisHost, HaveThisProcess) {
  const UniqueFd zero(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
  EXPECT_THAT(OpenDevices().users_of("/dev/zero"), Contains(testing::Field(&Process::pid, ::getpid())));
}

}  // namespace
}  // namespace strait::host
