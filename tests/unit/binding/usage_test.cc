#include "binding/usage.h"

#include "tests/unit/as_nobody.h"
#include "tests/unit/binding/binding_test.h"

namespace strait::binding {
namespace {

namespace fs = std::filesystem;
using State = Usage::State;

/// 01:10.0 and 01:10.1 share the group 12, and are on vfio-pci.
class UsageTest : public BindingTest {
 protected:
  UsageTest() {
    kernel_.add(kOther, "vfio-pci", 12);
    bind({function()}, false, host());
  }
  /// Process 4711, a QEMU, has `file` of /dev/vfio open. (Only root could make it: /dev/zero stands for it.)
  void open(const fs::path& file) {
    fs::create_directories((place_.path() / "dev/vfio" / file).parent_path());
    fs::create_symlink("/dev/zero", place_.path() / "dev/vfio" / file);
    place_.write("proc/4711/comm", "qemu-system-x86\n");
    fs::create_directories(place_.path() / "proc/4711/fd");
    fs::create_symlink("/dev/zero", place_.path() / "proc/4711/fd/7");
  }
  Usage usage() { return usage_of(function(), host::OpenDevices(host().procfs), host()); }
  static Usage used_by(const std::string& user) { return {.state = State::kUsed, .user = user}; }
  const Usage ours_ = used_by("strait, process " + std::to_string(::getpid()));

  static constexpr const char* kOther = "0000:01:10.1";
};

TEST_F(UsageTest, WhatNobodyHasIsFree) {
  open("121");
  EXPECT_EQ(usage(), Usage());
}

TEST_F(UsageTest, AStraitHasItsLock) {
  const auto lock = Lock::take(function(), host());
  EXPECT_EQ(usage(), ours_);
}

TEST_F(UsageTest, AGroupIsOneProcesss) {
  const auto lock = Lock::take(host::Bdf::parse(kOther), host());
  EXPECT_EQ(usage(), ours_);
}

TEST_F(UsageTest, AnyOtherHasTheGroupsFileOpen) {
  open("12");
  EXPECT_EQ(usage(), used_by("qemu-system-x86, process 4711"));
}

TEST_F(UsageTest, WithIommufdTheFunctionHasAFileOfItsOwn) {
  fs::create_directories(sysfs_.root() / "devices/pci0000:00" / kBdf / "vfio-dev/vfio3");
  open("devices/vfio3");
  EXPECT_EQ(usage(), used_by("qemu-system-x86, process 4711"));
}

/// Its file may be open for another function of the group.
TEST_F(UsageTest, WhatIsOnAHostDriverIsNoGuests) {
  release({function()}, host());
  open("12");
  EXPECT_EQ(usage(), Usage());
  const auto lock = Lock::take(function(), host());
  EXPECT_EQ(usage(), ours_) << "somebody is about to change that";
}

TEST_F(UsageTest, AnOrdinaryUserKnowsOnlyOfProcessesOfHisOwn) {
  const std::string proc = place_.path() / "proc";
  open("12");
  for (const fs::path& path : {place_.path(), sysfs_.root()}) fs::permissions(path, fs::perms(0755));
  fs::permissions(proc + "/4711/fd", fs::perms::none);
  {
    const test::AsNobody nobody;
    if (!nobody.works()) GTEST_SKIP() << "this process can be nobody else";
    EXPECT_EQ(usage().state, State::kUnknown);
  }
  fs::permissions(proc + "/4711/fd", fs::perms(0755));
  {
    const test::AsNobody nobody;
    EXPECT_EQ(usage(), used_by("qemu-system-x86, process 4711"));
  }
  fs::remove(proc + "/4711/fd/7");
  fs::permissions(host().run / "0000:01:10.0.lock", fs::perms::none);
  const test::AsNobody nobody;
  EXPECT_EQ(usage().state, State::kUnknown) << "its lock is there, and closed";
}

}  // namespace
}  // namespace strait::binding
