// The control socket: what a client sees of it.

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/temporary_directory.h"
#include "tests/unit/error_of.h"
#include "vmm/control_server.h"
#include "vmm/slot_timers.h"
#include "vmm/unix_socket.h"

namespace strait {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// While this lives the process can open just one descriptor more.
class OneDescriptorLeft {
 public:
  OneDescriptorLeft() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const UniqueFd next(::dup(STDIN_FILENO));
    set(static_cast<rlim_t>(next.get()) + 1);
  }
  ~OneDescriptorLeft() { set(before_.rlim_cur); }
  OneDescriptorLeft(const OneDescriptorLeft&) = delete;
  OneDescriptorLeft& operator=(const OneDescriptorLeft&) = delete;

 private:
  void set(rlim_t limit) const {
    const rlimit changed = {.rlim_cur = limit, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &changed);
  }

  rlimit before_{};
};

/// A server whose loop runs beside the test, and which answers with what it was asked.
class ControlServerTest : public testing::Test {
 protected:
  ~ControlServerTest() override {
    stopping_ = true;
    connect_unix(path_);  // wakes the loop
    thread_.join();
  }

  /// What comes back until the server closes the connection, or one answer has come.
  std::string exchange(const std::string& bytes) {
    return exchange(connect_unix(path_), bytes);
  }
  static std::string exchange(const UniqueFd& fd, const std::string& bytes) {
    ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    ::shutdown(fd.get(), SHUT_WR);
    std::string answer;
    char chunk[256];
    for (ssize_t size = 0; (size = ::recv(fd.get(), chunk, sizeof chunk, 0)) > 0;) answer.append(chunk, static_cast<std::size_t>(size));
    return answer;
  }

  const test::TemporaryDirectory directory_;
  const std::string path_ = directory_.path() / "socket";
  std::atomic<bool> stopping_ = false;
  EventLoop loop_;
  ControlServer server_{path_, loop_, [](const ControlServer::Request& request) {
                          return ControlServer::Response{.body = request.method + " " + request.target + " " + request.body};
                        }};
  std::atomic<int> rounds_ = 0;  ///< of the loop
  std::thread thread_{[this] {
    loop_.run([this] {
      ++rounds_;
      return stopping_.load();
    });
  }};
};

TEST_F(ControlServerTest, AnswersEachRequestOfAConnection) {
  const std::string answer = exchange("GET /one HTTP/1.1\r\nHost: x\r\n\r\nPUT /two HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("GET /one "));
  EXPECT_THAT(answer, HasSubstr("PUT /two {}"));
}

TEST_F(ControlServerTest, WhatIsNoHttpIsRefused) { EXPECT_THAT(exchange("hello\r\n\r\n"), StartsWith("HTTP/1.1 400 ")); }

TEST_F(ControlServerTest, ABodyOrHeaderWithoutEndIsRefused) {
  EXPECT_THAT(exchange("PUT /x HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(exchange("GET /" + std::string(20000, 'x')), StartsWith("HTTP/1.1 400 "));
}

TEST_F(ControlServerTest, AClientThatStopsHalfWayKeepsNobodyWaiting) {
  const UniqueFd half = connect_unix(path_);
  ASSERT_EQ(::send(half.get(), "GET /", 5, MSG_NOSIGNAL), 5);
  EXPECT_THAT(exchange("GET /whole HTTP/1.1\r\nHost: x\r\n\r\n"), HasSubstr("/whole"));
}

TEST_F(ControlServerTest, AClientWaitsWhileThereIsNoDescriptorForItAndTheLoopRests) {
  testing::internal::CaptureStderr();
  UniqueFd client;
  {
    const OneDescriptorLeft shortage;
    client = connect_unix(path_);
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
  EXPECT_LE(rounds_, 20) << "the loop goes round and round";
  EXPECT_THAT(exchange(client, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n"), HasSubstr("/late"));
  // Once. UBSan says things of its own in between: it wants a pipe to look at an object.
  const std::string line = "strait: warning: --control " + path_ + ": clients have to wait: Too many open files; raise the limit of open files (ulimit -n)\n";
  const std::string said = testing::internal::GetCapturedStderr();
  const std::size_t first = said.find(line);
  ASSERT_NE(first, std::string::npos) << said;
  EXPECT_EQ(said.find("clients have to wait", first + line.size()), std::string::npos) << said;
}

TEST_F(ControlServerTest, IsItsOwnersAlone) {
  struct stat file = {};
  ASSERT_EQ(::stat(path_.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
}

TEST_F(ControlServerTest, NobodyElseTakesItsPlace) {
  EventLoop other;
  EXPECT_THAT(test::error_of([&] { ControlServer(path_, other, {}); }), HasSubstr("another program listens there"));
}

TEST(ControlSocket, TheOneOfAProgramThatWasKilledIsReplaced) {
  const test::TemporaryDirectory directory;
  const std::string path = directory.path() / "socket";
  listen_unix(path);  // closed, but the file is there
  EventLoop loop;
  { const ControlServer server(path, loop, {}); }
  struct stat file = {};
  EXPECT_NE(::stat(path.c_str(), &file), 0) << "and it goes with the server";
}

TEST(ControlSocket, OtherFilesAreLeftAlone) {
  const test::TemporaryDirectory directory;
  const std::string path = directory.path() / "precious";
  std::ofstream(path) << "data";
  EventLoop loop;
  EXPECT_THAT(test::error_of([&] { ControlServer(path, loop, {}); }), HasSubstr("there is another file"));
  struct stat file = {};
  EXPECT_EQ(::stat(path.c_str(), &file), 0);
  EXPECT_THAT(test::error_of([&] { ControlServer(std::string(200, 'x'), loop, {}); }), HasSubstr("too long"));
}

TEST(SlotTimersTest, EachSlotHasItsTimeAndNoMore) {
  EventLoop loop;
  std::vector<unsigned> late;
  SlotTimers timers(loop, [&](unsigned slot) { late.push_back(slot); });
  EXPECT_TRUE(timers.start(3, std::chrono::minutes(1)));
  EXPECT_TRUE(timers.start(4, std::chrono::minutes(1)));
  EXPECT_TRUE(timers.start(5, std::chrono::milliseconds(1)));
  EXPECT_FALSE(timers.start(4, std::chrono::milliseconds(10))) << "the shorter patience holds";
  EXPECT_FALSE(timers.start(4, std::chrono::minutes(10)));
  loop.run([&] { return late.size() == 2; });
  EXPECT_EQ(late, (std::vector<unsigned>{5, 4}));
  EXPECT_TRUE(timers.under_way(3));
  EXPECT_FALSE(timers.under_way(4));
  timers.finish(3);
  EXPECT_FALSE(timers.under_way(3));
}

}  // namespace
}  // namespace strait
