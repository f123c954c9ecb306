#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "binding/bind.h"
#include "binding/lease.h"
#include "tests/fakes/fake_kernel.h"
#include "tests/fakes/temporary_directory.h"
#include "tests/unit/binding/killed.h"
#include "tests/unit/error_of.h"

namespace strait::binding {

/// A host with a network card, 01:10.0, of the driver igbvf. No interface's name is one that the machine under the tests might have.
class BindingTest : public testing::Test {
 protected:
  BindingTest() {
    place_.write("proc/sys/kernel/random/boot_id", "first-boot\n");
    kernel_.add_card(kBdf, 12, "fake_lan0");
    kernel_.have_driver("vfio-pci");
    sysfs_.set(kBdf, "net/fake_lan0/dev_port", "0\n");
    before_ = kernel_.state();
  }

  static constexpr const char* kBdf = test::FakeKernel::kBdf;
  static host::Bdf function() { return host::Bdf::parse(kBdf); }
  Host host() {
    return {.sysfs = sysfs_.root(),
            .procfs = place_.path() / "proc",
            .devfs = place_.path() / "dev",
            .state = place_.path() / "state",
            .run = place_.path() / "run",
            .changes = &kernel_};
  }
  Records records() { return Records(host().state, host().procfs); }
  /// The function goes, and another like it comes in its place.
  void make_anew() {
    namespace fs = std::filesystem;
    const fs::path device = sysfs_.root() / "devices/pci0000:00" / kBdf, old = sysfs_.root() / "old";
    fs::rename(device, old);
    fs::copy(old, device, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  }
  void stale() {
    release_stale(host(), [](const std::string& line) { ADD_FAILURE() << line; });
  }

  const test::TemporaryDirectory place_;
  test::FakeSysfs sysfs_;
  test::FakeKernel kernel_{sysfs_};
  std::string before_;
  const std::string bound_ = "driver vfio-pci, override vfio-pci";
};

}  // namespace strait::binding
