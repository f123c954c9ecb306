#include "cli/bind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

#include <fmt/format.h>

#include "base/log.h"
#include "binding/lock.h"
#include "binding/record.h"
#include "tests/unit/broken_pipe.h"
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
  /// The record of a function that strait has bound, and that is gone since; its interface was called `interface`.
  binding::Records taken(const char* bdf, const std::string& interface) const {
    binding::Records records(place_.path());
    binding::Record record;
    record.function = host::Bdf::parse(bdf);
    record.interfaces = {{{"name", interface}, {"altnames", {"fake_uplink"}}}};
    records.save(record);
    return records;
  }
  struct Released {
    int code;
    std::string out, error;
  };
  static Released release(const Line& words) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = run_release(words);
    return {.code = code, .out = testing::internal::GetCapturedStdout(), .error = testing::internal::GetCapturedStderr()};
  }
  static std::string usage_error(int (*command)(Words), const Line& words) {
    return test::error_of<UsageError>([&] { command(words); });
  }
  static constexpr const char *kFirst = "fffe:1f:1f.6", *kSecond = "fffe:1f:1f.7";
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

TEST_F(BindCommands, AnInterfaceIsReleasedByTheNameThatItHad) {
  for (const char* name : {"fake_lan0", "fake_uplink"}) {
    const binding::Records records = taken(kFirst, "fake_lan0");
    const Released released = release({name});
    EXPECT_EQ(released.code, 0) << released.error;
    EXPECT_EQ(released.out, "fffe:1f:1f.6 is gone\n");
    EXPECT_TRUE(records.functions().empty());
  }
  EXPECT_THAT(usage_error(run_release, {"fake_lan0"}), StartsWith("'fake_lan0' is no PCI address, and no network interface has that name"));
}

TEST_F(BindCommands, ANameThatSeveralHadOneAfterTheOtherIsNone) {
  taken(kFirst, "fake_lan0");
  taken(kSecond, "fake_lan0");
  EXPECT_EQ(test::error_of([] { run_release(Line{"fake_lan0"}); }),
            "fake_lan0 was the interface of fffe:1f:1f.6, fffe:1f:1f.7, one after the other; name one of them");
}

TEST_F(BindCommands, WhatARunHasIsNamedAndIsTheExitCode) {
  taken(kFirst, "fake_lan0");
  const binding::Records records = taken(kSecond, "fake_lan1");
  const auto lock = binding::Lock::try_take(host::Bdf::parse(kFirst), place_.path());
  const Released released = release({"--all"});
  EXPECT_EQ(released.code, 1);
  EXPECT_EQ(released.out, "fffe:1f:1f.7 is gone\n");
  EXPECT_THAT(released.error, HasSubstr(fmt::format("strait: error: fffe:1f:1f.6 is in use by strait, process {}: not released; end that one first\n", ::getpid())));
  EXPECT_EQ(records.functions(), std::vector{host::Bdf::parse(kFirst)});
  EXPECT_EQ(release({"--stale"}).code, 0) << "it is not stale";
}

/// A terminal that was hung up: nothing of what is said arrives.
TEST_F(BindCommands, WhoeverReadsMayGo) {
  taken(kFirst, "fake_lan0");
  const binding::Records records = taken(kSecond, "fake_lan1");
  const test::BrokenPipe pipe;
  const int status = std::system(fmt::format("{} release --all >&{} 2>&{}", STRAIT_PROGRAM, pipe.fd(), pipe.fd()).c_str());
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1) << status;
  EXPECT_TRUE(records.functions().empty()) << "each is released";
}

TEST_F(BindCommands, WhatCannotBePutRightIsTheExitCode) {
  place_.write("records/fffe:1f:1f.7.run.json", "damaged");
  log::set_level(log::Level::kOff);
  EXPECT_EQ(run_release(Line{"--stale"}), 1);
  log::set_level(log::Level::kWarning);
}

}  // namespace
}  // namespace strait
