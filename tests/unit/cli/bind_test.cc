#include "cli/bind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

#include "base/log.h"
#include "tests/fakes/temporary_directory.h"
#include "tests/unit/error_of.h"

namespace strait {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Line = std::vector<const char*>;

class BindCommands : public testing::Test {
 protected:
  BindCommands() {
    ::setenv("STRAIT_STATE_DIR", place_.path().c_str(), 1);
    ::setenv("STRAIT_RUN_DIR", place_.path().c_str(), 1);
  }
  ~BindCommands() override {
    ::unsetenv("STRAIT_STATE_DIR");
    ::unsetenv("STRAIT_RUN_DIR");
  }
  static std::string usage_error(int (*command)(Words), const Line& words) {
    return test::error_of<UsageError>([&] { command(words); });
  }
  const test::TemporaryDirectory place_;
};

TEST_F(BindCommands, BindNeedsAnAddress) {
  EXPECT_THAT(usage_error(run_bind, {}), StartsWith("bind needs an address; "));
  EXPECT_THAT(usage_error(run_bind, {"--force"}), StartsWith("bind needs an address; "));
  EXPECT_THAT(usage_error(run_bind, {"--stale", "01:10.0"}), HasSubstr("--stale"));
}

TEST_F(BindCommands, ReleaseNeedsOneKindOfWords) {
  for (const Line& words : {Line{}, Line{"--stale", "--all"}, Line{"--all", "01:10.0"}}) {
    EXPECT_THAT(usage_error(run_release, words), StartsWith("release needs either addresses, or --stale, or --all; "));
  }
}

TEST_F(BindCommands, AFunctionThatIsNotThereIsNotBound) {
  EXPECT_THAT(test::error_of([] { run_bind(Line{"fffe:1f:1f.7"}); }), StartsWith("there is no PCI function fffe:1f:1f.7"));
}

TEST_F(BindCommands, WithNothingTakenThereIsNothingToRelease) {
  EXPECT_EQ(run_release(Line{"--stale"}), 0);
  EXPECT_EQ(run_release(Line{"--all"}), 0);
  log::set_level(log::Level::kOff);
  EXPECT_EQ(run_release(Line{"fffe:1f:1f.7"}), 1);
  log::set_level(log::Level::kWarning);
}

TEST_F(BindCommands, WhatCannotBePutRightIsTheExitCode) {
  place_.write("records/fffe:1f:1f.7.run.json", "damaged");
  log::set_level(log::Level::kOff);
  EXPECT_EQ(run_release(Line{"--stale"}), 1);
  log::set_level(log::Level::kWarning);
}

}  // namespace
}  // namespace strait
