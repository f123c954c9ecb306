#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "binding/record.h"
#include "tests/fakes/fake_pf.h"
#include "tests/fakes/temporary_directory.h"
#include "tests/unit/error_of.h"

namespace strait::binding {

/// A host with a card that can have VFs, and has none yet.
class PfTest : public testing::Test {
 protected:
  PfTest() { place_.write("proc/sys/kernel/random/boot_id", "first-boot\n"); }

  static host::Bdf pf() { return host::Bdf::parse(test::FakePf::kPf); }
  static host::Bdf vf(unsigned index) { return host::Bdf::parse(test::FakePf::vf(index)); }
  Host host() {
    return {.sysfs = sysfs_.root(),
            .procfs = place_.path() / "proc",
            .devfs = place_.path() / "dev",
            .state = place_.path() / "state",
            .run = place_.path() / "run",
            .changes = &card_};
  }
  Records records() { return Records(host().state, host().procfs); }

  const test::TemporaryDirectory place_;
  test::FakeSysfs sysfs_;
  test::FakePf card_{sysfs_};
};

}  // namespace strait::binding
