#include "vmm/terminal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <future>
#include <string>
#include <string_view>
#include <thread>

#include "base/syscall.h"
#include "tests/fakes/temporary_directory.h"

namespace strait {
namespace {

/// What the guest gets of what is typed in these pieces; with "<left>" where the user left.
std::string typed(std::initializer_list<std::string_view> pieces) {
  EscapeFilter filter;
  std::vector<std::uint8_t> out;
  bool left = false;
  for (const std::string_view piece : pieces) {
    left = left || filter.filter({reinterpret_cast<const std::uint8_t*>(piece.data()), piece.size()}, out);
  }
  return std::string(out.begin(), out.end()) + (left ? "<left>" : "");
}

TEST(Escape, WhatIsTypedReachesTheGuest) {
  EXPECT_EQ(typed({"ls -l\r"}), "ls -l\r");
  EXPECT_EQ(typed({"\x03\x1b[A\xc3\xa4"}), "\x03\x1b[A\xc3\xa4") << "control characters and other alphabets too";
}

TEST(Escape, CtrlAXLeavesAndDropsTheRest) {
  EXPECT_EQ(typed({"ls\x01xrm"}), "ls<left>");
  EXPECT_EQ(typed({"\x01X"}), "<left>");
}

TEST(Escape, ItMayArriveInPieces) {
  EXPECT_EQ(typed({"a\x01", "x"}), "a<left>");
  EXPECT_EQ(typed({"a\x01", "b"}),
            "a\x01"
            "b");
}

TEST(Escape, CtrlATwiceIsOne) {
  EXPECT_EQ(typed({"\x01\x01"}), "\x01");
  EXPECT_EQ(typed({"\x01\x01x"}), "\x01x") << "and the x is an x";
  EXPECT_EQ(typed({"\x01\x01\x01x"}), "\x01<left>");
}

TEST(Escape, CtrlAAndAnythingElseIsBoth) {
  EXPECT_EQ(typed({"\x01"
                   "a\x01"
                   "e"}),
            "\x01"
            "a\x01"
            "e");
}

/// Another standard input for as long as this lives.
class StandardInput {
 public:
  explicit StandardInput(const UniqueFd& fd) : before_(::dup(STDIN_FILENO)) { ::dup2(fd.get(), STDIN_FILENO); }
  ~StandardInput() { ::dup2(before_.get(), STDIN_FILENO); }
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;

 private:
  const UniqueFd before_;
};

/// The console of a guest whose serial port has `room` for so many bytes.
class ConsoleInputTest : public testing::Test {
 protected:
  ConsoleInputTest() {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) < 0) throw Error::from_errno(errno, "creating a pipe");
    keyboard_ = UniqueFd(ends[1]);
    pipe_ = UniqueFd(ends[0]);
    loop_.add(other_.get(), [this] { drain_eventfd(other_.get()); });
  }

  /// The console on `input`.
  ConsoleInput console_on(const UniqueFd& input) {
    standard_input_.emplace(input);
    return {loop_, [this](std::span<const std::uint8_t> typed) { return receive(typed); }, [] {}};
  }
  std::size_t receive(std::span<const std::uint8_t> typed) {
    const std::size_t taken = std::min(room_, typed.size());
    received_.append(typed.begin(), typed.begin() + static_cast<std::ptrdiff_t>(taken));
    room_ -= taken;
    return taken;
  }
  void type(std::string_view text) { ASSERT_EQ(::write(keyboard_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size())); }
  /// Calls all handlers that have something to do.
  void settle() {
    for (int round = 0; round < 10; ++round) {
      signal_eventfd(other_.get());
      int asked = 0;
      loop_.run([&asked] { return asked++ == 1; });
    }
  }

  EventLoop loop_;
  const UniqueFd other_ = make_eventfd();
  UniqueFd keyboard_, pipe_;
  std::optional<StandardInput> standard_input_;
  std::size_t room_ = 100;
  std::string received_;
};

TEST_F(ConsoleInputTest, WhatIsTypedReachesTheGuest) {
  const ConsoleInput console = console_on(pipe_);
  type("ls");
  settle();
  EXPECT_EQ(received_, "ls");
}

TEST_F(ConsoleInputTest, WhereNobodyTypesTheLoopDoesNotWaitForAKey) {
  ConsoleInput console = console_on(pipe_);
  std::promise<void> heard;
  const UniqueFd signal = make_eventfd();
  loop_.add(signal.get(), [&] {
    EXPECT_EQ(drain_eventfd(signal.get()), 1u);
    EXPECT_EQ(received_, "") << "only a key let the loop go on";
    heard.set_value();
  });
  console.resume();  // as when the guest was rebooted
  signal_eventfd(signal.get());
  const std::jthread typist([this, is_heard = heard.get_future()] {
    is_heard.wait_for(std::chrono::seconds(2));
    type("x");
  });
  loop_.run([this] { return received_ == "x"; });
}

TEST_F(ConsoleInputTest, WhatTheGuestHasNoRoomForWaitsAndHoldsBackTheRest) {
  room_ = 2;
  ConsoleInput console = console_on(pipe_);
  type("abcd");
  settle();
  type("ef");
  settle();
  EXPECT_EQ(received_, "ab");
  room_ = 1;
  console.resume();
  settle();
  EXPECT_EQ(received_, "abc");
  room_ = 100;
  console.resume();
  settle();
  EXPECT_EQ(received_, "abcdef");
}

TEST_F(ConsoleInputTest, AFileIsReadAsTheGuestTakesIt) {
  const test::TemporaryDirectory directory;
  const std::string text(10'000, 'x');
  ConsoleInput console = console_on(open_file(directory.write("file", text), O_RDONLY));
  settle();
  EXPECT_EQ(received_.size(), 100u);
  room_ = 3000;
  console.resume();
  settle();
  EXPECT_EQ(received_.size(), 3100u);
  room_ = 100'000;
  console.resume();
  settle();
  EXPECT_EQ(received_, text);
}

TEST_F(ConsoleInputTest, TheEndOfTheInputIsNoEndOfTheConsole) {
  ConsoleInput console = console_on(pipe_);
  room_ = 2;
  type("abc");
  keyboard_.reset();
  settle();
  EXPECT_EQ(received_, "ab");
  room_ = 100;
  console.resume();
  settle();
  console.resume();
  settle();
  EXPECT_EQ(received_, "abc");
}

}  // namespace
}  // namespace strait
