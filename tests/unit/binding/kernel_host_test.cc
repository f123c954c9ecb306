#include "binding/kernel_host.h"

#include <fcntl.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/syscall.h"
#include "tests/fakes/temporary_directory.h"
#include "tests/unit/binding/killed.h"
#include "tests/unit/error_of.h"

namespace strait::binding {
namespace {

using test::error_of;
using testing::HasSubstr;
using testing::StartsWith;

TEST(KernelHostTest, AttributesAreWrittenBelowSysfs) {
  const test::TemporaryDirectory sysfs;
  sysfs.write("bus/pci/drivers_probe", "");
  KernelHost host(sysfs.path());
  host.write_attribute("bus/pci/drivers_probe", "0000:01:10.0");
  EXPECT_EQ(read_text_file(sysfs.path() / "bus/pci/drivers_probe"), "0000:01:10.0");
  EXPECT_THAT(error_of([&] { host.write_attribute("bus/pci/nothing", "1"); }),
              StartsWith("opening " + sysfs.path().string() + "/bus/pci/nothing: No such file"));
}

TEST(KernelHostTest, WhatTheKernelRefusesIsNamed) {
  KernelHost host("/dev");
  EXPECT_EQ(error_of([&] { host.write_attribute("full", "1"); }),
            "writing '1' to /dev/full: No space left on device; the kernel's log (dmesg) may say why");
}

TEST(KernelHostTest, ModulesAreModprobesAffair) {
  EXPECT_EQ(error_of([] { KernelHost("/sys", "/dev", "true").load_module("vfio-pci"); }), "(no error)");
  EXPECT_THAT(error_of([] { KernelHost("/sys", "/dev", "false").load_module("vfio-pci"); }),
              StartsWith("the module vfio-pci cannot be loaded; "));
  EXPECT_THAT(error_of([] { KernelHost("/sys", "/dev", "/no/such/modprobe").load_module("vfio-pci"); }),
              StartsWith("loading the module vfio-pci: running /no/such/modprobe: No such file"));
}

TEST(KernelHostTest, AFileThatIsNotThereIsOpenNowhere) {
  const test::TemporaryDirectory devfs;
  devfs.write("vfio/12", "no device");
  KernelHost host("/sys", devfs.path());
  EXPECT_EQ(host.opener_of("vfio/12"), "");
  EXPECT_EQ(host.opener_of("vfio/13"), "");
  EXPECT_FALSE(host.is_claimed("vfio/12"));
}

TEST(KernelHostTest, WhoeverHasAFileOpenIsFoundByItsDescriptors) {
  const UniqueFd fd(::open("/dev/full", O_RDONLY | O_CLOEXEC));
  EXPECT_THAT(KernelHost().opener_of("full"), testing::MatchesRegex(".* \\(process [0-9]+\\)"));
}

TEST(KernelHostTest, EachChangeIsAFaultPoint) {
  KernelHost host("/dev", "/dev", "true");
  const auto changes = [&] {
    host.write_attribute("null", "1");
    host.load_module("vfio-pci");
  };
  EXPECT_TRUE(test::killed_at(1, changes));
  EXPECT_TRUE(test::killed_at(2, changes));
  EXPECT_FALSE(test::killed_at(3, changes));
}

TEST(KernelHostTest, TheEnvironmentNamesOtherDirectories) {
  EXPECT_EQ(this_host().state, "/var/lib/strait");
  EXPECT_EQ(this_host().run, "/run/strait");
  ::setenv("STRAIT_STATE_DIR", "/tmp/state", 1);
  ::setenv("STRAIT_RUN_DIR", "/tmp/run", 1);
  EXPECT_EQ(this_host().state, "/tmp/state");
  EXPECT_EQ(this_host().run, "/tmp/run");
  ::unsetenv("STRAIT_STATE_DIR");
  ::unsetenv("STRAIT_RUN_DIR");
}

}  // namespace
}  // namespace strait::binding
