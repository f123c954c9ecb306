#include "binding/lock.h"

#include <unistd.h>

#include "tests/unit/as_nobody.h"
#include "tests/unit/binding/binding_test.h"

namespace strait::binding {
namespace {

using test::error_of;
using testing::HasSubstr;

class LockTest : public BindingTest {
 protected:
  const std::filesystem::path run_ = place_.path() / "run";
};

TEST_F(LockTest, OneHolderAtATime) {
  EXPECT_EQ(lock_holder(function(), run_).state, LockHolder::State::kNobody);
  auto lock = Lock::try_take(function(), run_);
  ASSERT_TRUE(lock);
  EXPECT_EQ(lock->function(), function());
  EXPECT_FALSE(Lock::try_take(function(), run_));
  EXPECT_TRUE(Lock::try_take(host::Bdf::parse("01:10.2"), run_));
  EXPECT_TRUE(lock_holder(function(), run_).somebody());
  EXPECT_EQ(lock_holder(function(), run_).name(), "strait, process " + std::to_string(::getpid()));
  lock.reset();
  EXPECT_FALSE(lock_holder(function(), run_).somebody());
  EXPECT_TRUE(Lock::try_take(function(), run_));
}

TEST_F(LockTest, WhoeverWaitsInVainIsToldWhoHasIt) {
  const auto lock = Lock::take(function(), host());
  EXPECT_EQ(error_of([&] { Lock::take(function(), host(), std::chrono::milliseconds(30)); }),
            "0000:01:10.0 is in use by another strait, process " + std::to_string(::getpid()) +
                "; end that one first, or choose another function");
}

TEST_F(LockTest, WhoeverIsToEndWaitsForNobody) {
  const auto lock = Lock::take(function(), host());
  Host host = this->host();
  int asked = 0;
  host.interrupted = [&asked] { return ++asked == 3; };
  EXPECT_NE(error_of<Interrupted>([&] { Lock::take(function(), host, std::chrono::minutes(1)); }), "(no error)");
  EXPECT_EQ(asked, 3);
}

TEST_F(LockTest, TheKernelFreesItWhenItsHolderIsKilled) {
  EXPECT_TRUE(test::killed_at(1, [&] {
    const auto lock = Lock::take(function(), host());
    fault_point();
  }));
  EXPECT_TRUE(Lock::try_take(function(), run_));
}

/// Between taking the lock and writing the note, say.
TEST_F(LockTest, AHolderThatDoesNotTellIsNoNumber) {
  const auto lock = Lock::take(function(), host());
  place_.write("run/0000:01:10.0.lock", "");
  EXPECT_TRUE(lock_holder(function(), run_).somebody());
  EXPECT_EQ(lock_holder(function(), run_).name(), "strait");
}

/// Which is no reason to call the function free.
TEST_F(LockTest, AnOrdinaryUserIsNotTold) {
  const auto lock = Lock::take(function(), host());
  std::filesystem::permissions(place_.path(), std::filesystem::perms(0755));
  std::filesystem::permissions(run_ / "0000:01:10.0.lock", std::filesystem::perms::none);
  const test::AsNobody nobody;
  if (!nobody.works()) GTEST_SKIP() << "this process can be nobody else";
  EXPECT_EQ(lock_holder(function(), run_).state, LockHolder::State::kUnknown);
}

TEST_F(LockTest, WithoutAPlaceForItThereIsNone) {
  place_.write("run", "no directory");
  EXPECT_THAT(error_of([&] { Lock::try_take(function(), run_); }), HasSubstr("opening the lock"));
}

}  // namespace
}  // namespace strait::binding
