#include "binding/lock.h"

#include <unistd.h>

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
  EXPECT_EQ(lock_holder(function(), run_), 0);
  auto lock = Lock::try_take(function(), run_);
  ASSERT_TRUE(lock);
  EXPECT_EQ(lock->function(), function());
  EXPECT_FALSE(Lock::try_take(function(), run_));
  EXPECT_TRUE(Lock::try_take(host::Bdf::parse("01:10.2"), run_));
  EXPECT_EQ(lock_holder(function(), run_), ::getpid());
  lock.reset();
  EXPECT_EQ(lock_holder(function(), run_), 0);
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

TEST_F(LockTest, AHolderThatHasNotSaidWhichItIsHasNoNumber) {
  EXPECT_EQ(name_of_holder(17), "strait, process 17");
  EXPECT_EQ(name_of_holder(-1), "strait");
}

TEST_F(LockTest, TheKernelFreesItWhenItsHolderIsKilled) {
  EXPECT_TRUE(test::killed_at(1, [&] {
    const auto lock = Lock::take(function(), host());
    fault_point();
  }));
  EXPECT_TRUE(Lock::try_take(function(), run_));
}

TEST_F(LockTest, WithoutAPlaceForItThereIsNone) {
  place_.write("run", "no directory");
  EXPECT_THAT(error_of([&] { Lock::try_take(function(), run_); }), HasSubstr("opening the lock"));
}

}  // namespace
}  // namespace strait::binding
