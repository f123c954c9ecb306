#include "base/held_signals.h"

#include <unistd.h>

#include <gtest/gtest.h>

#include <cerrno>

namespace strait {
namespace {

volatile std::sig_atomic_t delivered = 0;

class HeldSignalsTest : public testing::Test {
 protected:
  HeldSignalsTest() {
    delivered = 0;
    before_ = ::signal(SIGTERM, [](int signal) { delivered = signal; });
  }
  ~HeldSignalsTest() override { ::signal(SIGTERM, before_); }

 private:
  sighandler_t before_;
};

TEST_F(HeldSignalsTest, ASignalComesAfterwards) {
  {
    const HeldSignals held;
    ::kill(::getpid(), SIGTERM);
    EXPECT_EQ(delivered, 0);
  }
  EXPECT_EQ(delivered, SIGTERM);
}

TEST_F(HeldSignalsTest, OneThatIsTakenComesNoMore) {
  {
    const HeldSignals held;
    EXPECT_EQ(held.next(), 0);
    ::kill(::getpid(), SIGTERM);
    EXPECT_EQ(held.next(), SIGTERM);
    EXPECT_EQ(held.next(), 0);
  }
  EXPECT_EQ(delivered, 0);
}

TEST_F(HeldSignalsTest, OneInAnothersLifeLeavesThemHeld) {
  const HeldSignals outer;
  { const HeldSignals inner; }
  ::kill(::getpid(), SIGTERM);
  EXPECT_EQ(delivered, 0);
  EXPECT_EQ(outer.next(), SIGTERM);
}

TEST_F(HeldSignalsTest, AReaderThatIsGoneEndsNothing) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  {
    const HeldSignals held;
    EXPECT_EQ(::write(ends[1], "x", 1), -1);
    EXPECT_EQ(errno, EPIPE);
    EXPECT_EQ(held.next(), 0);
  }
  ::close(ends[1]);
  struct sigaction now = {};
  ::sigaction(SIGPIPE, nullptr, &now);
  EXPECT_EQ(now.sa_handler, SIG_DFL);
}

/// nohup, and scripts that shield their children.
TEST_F(HeldSignalsTest, OneThatIsIgnoredStaysSo) {
  ::signal(SIGTERM, SIG_IGN);
  const HeldSignals held;
  ::kill(::getpid(), SIGTERM);
  EXPECT_EQ(held.next(), 0);
}

}  // namespace
}  // namespace strait
