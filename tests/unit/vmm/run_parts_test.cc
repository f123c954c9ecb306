// The small parts of a run: how it ends, the event loop, metrics, and memory that is mapped beside everything else.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "base/units.h"
#include "tests/fakes/temporary_directory.h"
#include "tests/unit/error_of.h"
#include "vmm/background_mapping.h"
#include "vmm/end_of_run.h"
#include "vmm/event_loop.h"
#include "vmm/exit_times.h"
#include "vmm/metrics.h"
#include "vmm/timer.h"

namespace strait {
namespace {

using testing::StartsWith;

bool readable(int fd) {
  pollfd request = {.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&request, 1, 0) == 1;
}

TEST(ExitTimesTest, BucketsArePowersOfTwoOfMicroseconds) {
  using namespace std::chrono_literals;
  ExitTimes times;
  const auto bucket = [&times](std::size_t n) { return times.buckets()[n].value(); };
  times.add(0ns);
  times.add(999ns);
  times.add(1us);
  times.add(2us);
  times.add(3999ns);
  times.add(1024us);
  times.add(10h);
  EXPECT_EQ(bucket(0), 2u);
  EXPECT_EQ(bucket(1), 1u);
  EXPECT_EQ(bucket(2), 2u);
  EXPECT_EQ(bucket(11), 1u);
  EXPECT_EQ(bucket(ExitTimes::kBuckets - 1), 1u) << "and longer";
}

TEST(EndOfRunTest, TheFirstWordCounts) {
  EndOfRun end;
  EXPECT_FALSE(end.ended());
  EXPECT_FALSE(readable(end.eventfd()));
  EXPECT_TRUE(end.end({.code = exit_code::kTimeout, .reason = "time is up"}));
  EXPECT_FALSE(end.end({.reason = "off"}));
  EXPECT_TRUE(end.ended());
  EXPECT_TRUE(readable(end.eventfd()));
  EXPECT_EQ(end.outcome().code, exit_code::kTimeout);
  EXPECT_EQ(end.outcome().reason, "time is up");
}

TEST(EndOfRunTest, AfterARebootTheRunGoesOn) {
  EndOfRun end;
  EXPECT_FALSE(end.next_boot()) << "nobody asked for it";
  EXPECT_TRUE(end.end({.reason = "reboot", .reboot = true}));
  EXPECT_FALSE(end.end({.reason = "another processor's", .reboot = true}));
  EXPECT_TRUE(end.next_boot());
  EXPECT_FALSE(end.ended());
  EXPECT_FALSE(readable(end.eventfd()));
  EXPECT_TRUE(end.end({.code = exit_code::kTimeout, .reason = "time is up"}));
  EXPECT_FALSE(end.next_boot());
  EXPECT_EQ(end.outcome().code, exit_code::kTimeout);
}

TEST(EndOfRunTest, ARebootGivesWayToWhatEndsTheRun) {
  EndOfRun end;
  EXPECT_TRUE(end.end({.reason = "reboot", .reboot = true}));
  EXPECT_TRUE(end.end({.code = exit_code::kDeviceLost, .reason = "gone"}));
  EXPECT_FALSE(end.next_boot());
  EXPECT_FALSE(end.end({.reason = "reboot", .reboot = true}));
  EXPECT_EQ(end.outcome().reason, "gone");
}

TEST(EndOfRunTest, ExactlyOneOfManyIsFirst) {
  EndOfRun end;
  std::atomic<int> firsts = 0;
  std::atomic<int> winner = -1;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] {
        if (end.end({.code = i, .reason = std::to_string(i)})) {
          ++firsts;
          winner = i;
        }
      });
    }
  }
  EXPECT_EQ(firsts, 1);
  EXPECT_EQ(end.outcome().code, winner);
}

TEST(EventLoopTest, CallsWhoeverIsReadableUntilDone) {
  EventLoop loop;
  const UniqueFd first = make_eventfd(), second = make_eventfd();
  std::string calls;
  loop.add(first.get(), [&] {
    drain_eventfd(first.get());
    calls += "first ";
    signal_eventfd(second.get());
  });
  loop.add(second.get(), [&] {
    drain_eventfd(second.get());
    calls += "second";
  });
  signal_eventfd(first.get());
  loop.run([&] { return calls.ends_with("second"); });
  EXPECT_EQ(calls, "first second");
}

TEST(EventLoopTest, AHandlerMayRemoveItselfAndOthers) {
  EventLoop loop;
  const UniqueFd first = make_eventfd(), second = make_eventfd(), last = make_eventfd();
  int calls = 0;
  const auto remove_both = [&] {
    ++calls;
    loop.remove(first.get());
    loop.remove(second.get());
    signal_eventfd(last.get());
  };
  bool done = false;
  loop.add(first.get(), remove_both);
  loop.add(second.get(), remove_both);
  loop.add(last.get(), [&] { done = true; });
  signal_eventfd(first.get());
  signal_eventfd(second.get());
  loop.run([&] { return done; });
  EXPECT_EQ(calls, 1);
}

TEST(EventLoopTest, WhoeverGetsAnothersNumberIsNotCalledForIt) {
  EventLoop loop;
  const UniqueFd first = make_eventfd(), spare = make_eventfd();
  UniqueFd second = make_eventfd();
  int calls = 0, rounds = 0;
  loop.add(first.get(), [&] {
    drain_eventfd(first.get());
    const int number = second.get();
    loop.remove(number);
    second.reset();
    second = UniqueFd(::dup2(spare.get(), number));
    loop.add(number, [&] { ++calls; });
  });
  loop.add(second.get(), [] { FAIL() << "its turn comes after it was removed"; });
  signal_eventfd(first.get());
  signal_eventfd(second.get());
  loop.run([&rounds] { return rounds++ == 1; });
  EXPECT_EQ(calls, 0);
  signal_eventfd(spare.get());
  loop.run([&calls] { return calls != 0; });
  EXPECT_EQ(calls, 1);
}

TEST(EventLoopTest, ARegularFileCannotBeWaitedFor) {
  EventLoop loop;
  const test::TemporaryDirectory directory;
  const UniqueFd file = open_file(directory.write("file", "text"), O_RDONLY);
  EXPECT_FALSE(loop.add(file.get(), [] {}));
  EXPECT_EQ(test::error_of([&] { loop.add(-1, [] {}); }), "waiting for descriptor -1: Bad file descriptor");
}

TEST(EventLoopTest, ItIsDoneBeforeItWaits) {
  EventLoop loop;
  loop.run([] { return true; });
}

TEST(TimerTest, CallsOnceAndTheLastTimeSetCounts) {
  EventLoop loop;
  std::string calls;
  Timer never(loop, [&] { calls += "never "; });
  Timer slow(loop, [&] { calls += "slow"; });
  Timer quick(loop, [&] { calls += "quick "; });
  Timer put_off(loop, [&] { calls += "put off "; });
  put_off.set(std::chrono::milliseconds(1));
  put_off.set(std::chrono::minutes(1));
  slow.set(std::chrono::milliseconds(20));
  quick.set(std::chrono::seconds(-1));
  loop.run([&] { return calls.ends_with("slow"); });
  EXPECT_EQ(calls, "quick slow");
}

TEST(TimerTest, OneThatIsPutOffInTheRoundOfItsTimeIsNotCalled) {
  EventLoop loop;
  std::string calls;
  std::optional<Timer> first, second;
  first.emplace(loop, [&] {
    calls += "first";
    second->set(std::chrono::minutes(1));
  });
  second.emplace(loop, [&] {
    calls += "second";
    first->set(std::chrono::minutes(1));
  });
  first->set(std::chrono::nanoseconds(0));
  second->set(std::chrono::nanoseconds(0));
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  loop.run([&] { return !calls.empty(); });
  EXPECT_TRUE(calls == "first" || calls == "second") << calls;
}

nlohmann::json read_json(const std::string& path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

TEST(MetricsFileTest, IsWrittenAtTheEndAsOneObject) {
  const test::TemporaryDirectory directory;
  const std::string path = directory.path() / "metrics.json";
  {
    MetricsFile file(path);
    EXPECT_TRUE(file);
    file.write({{"exit_code", 0}});
  }
  EXPECT_EQ(read_json(path), (nlohmann::json{{"exit_code", 0}}));
}

TEST(MetricsFileTest, AnOlderLongerFileIsReplaced) {
  const test::TemporaryDirectory directory;
  const std::string path = directory.write("metrics.json", std::string(10000, ' ') + "{}");
  MetricsFile(path).write({{"exit_code", 3}});
  EXPECT_EQ(read_json(path)["exit_code"], 3);
}

TEST(MetricsFileTest, ARunThatNeverStartedLeavesNoEmptyFileAndNoOldOneHarmed) {
  const test::TemporaryDirectory directory;
  const std::string path = directory.path() / "metrics.json";
  { const MetricsFile file(path); }
  EXPECT_FALSE(std::filesystem::exists(path));
  const std::string old = directory.write("old.json", "{\"exit_code\": 1}");
  { const MetricsFile file(old); }
  EXPECT_EQ(read_json(old)["exit_code"], 1);
}

TEST(MetricsFileTest, APipeIsNotWaitedFor) {
  const test::TemporaryDirectory directory;
  const std::string path = directory.path() / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(test::error_of([&] { MetricsFile{path}; }), "the metrics file " + path + " is a pipe that nobody reads; start its reader first");
  const UniqueFd reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK));
  MetricsFile(path).write({{"exit_code", 3}});
  char text[64] = {};
  EXPECT_GT(::read(reader.get(), text, sizeof text - 1), 0);
  EXPECT_EQ(nlohmann::json::parse(text)["exit_code"], 3);
}

TEST(MetricsFileTest, APathThatCannotBeWrittenIsAnErrorAtTheStart) {
  EXPECT_THAT(test::error_of([] { MetricsFile("/nonexistent/metrics.json"); }),
              StartsWith("opening the metrics file /nonexistent/metrics.json: No such file or directory; "));
  EXPECT_FALSE(MetricsFile(""));
}

TEST(CountsTest, NumbersAreAddedAndTheRestIsBroughtIn) {
  nlohmann::json total;
  add_counts(total, nlohmann::json::parse(R"({"exits": {"io": 2}, "kvm": [{"halts": 1}], "devices": [{"name": "a", "traps": 3}]})"));
  add_counts(total, nlohmann::json::parse(R"({"exits": {"io": 5, "mmio": 1}, "kvm": [{"halts": 4}, {"halts": 8}],
                                              "devices": [{"name": "b", "traps": 1}, {"name": "a", "traps": 10}]})"));
  EXPECT_EQ(total, nlohmann::json::parse(R"({"exits": {"io": 7, "mmio": 1}, "kvm": [{"halts": 5}, {"halts": 8}],
                                             "devices": [{"name": "a", "traps": 13}, {"name": "b", "traps": 1}]})"));
}

TEST(PhaseClockTest, TellsThePhasesThatWereReached) {
  PhaseClock clock;
  clock.mark(PhaseClock::kVmMade);
  clock.mark(PhaseClock::kFirstEntry);
  nlohmann::json metrics;
  clock.add_to(metrics);
  EXPECT_EQ(metrics["phases_s"]["start"], 0.0);
  EXPECT_GE(metrics["phases_s"]["first_entry"].get<double>(), metrics["phases_s"]["vm_made"].get<double>());
  EXPECT_FALSE(metrics["phases_s"].contains("dma_mapped"));
  EXPECT_GT(metrics["start_monotonic_s"].get<double>(), 0.0);
}

class FakeDmaSpace : public vfio::DmaSpace {
 public:
  std::vector<Range<Iova>> usable_ranges() const override { return {}; }
  void map(Iova start, std::span<std::uint8_t> memory) override {
    if (refuses) throw Error("no more memory may be locked");
    while (is_slow) std::this_thread::yield();
    mapped.push_back({start, memory.size()});
  }
  void unmap(const Range<Iova>&) override {}
  Statistics statistics() const override { return {}; }

  bool refuses = false;
  std::atomic<bool> is_slow = false;
  std::vector<Range<Iova>> mapped;
};

class BackgroundMappingTest : public testing::Test {
 protected:
  static constexpr Range<Gpa> kRam[] = {{Gpa(0), 8 * kMiB}, {Gpa(4 * kGiB), 4 * kMiB}};
  const GuestMemory memory_{kRam};
  FakeDmaSpace space_;
  std::atomic<bool> over_ = false;
  std::atomic<int> present_ = 0, mapped_ = 0;
  std::string failure_;
  const BackgroundMapping::Handlers handlers_{.on_present = [this] { ++present_; },
                                              .on_mapped = [this] { ++mapped_; },
                                              .on_failure = [this](const std::string& why) { failure_ = why; },
                                              .is_over = [this] { return over_.load(); }};
};

TEST_F(BackgroundMappingTest, AllMemoryIsMappedWhenTheWaitIsOver) {
  BackgroundMapping mapping(memory_, space_, 2, handlers_);
  EXPECT_TRUE(mapping.wait());
  EXPECT_EQ(space_.mapped, (std::vector<Range<Iova>>{{Iova(0), 8 * kMiB}, {Iova(4 * kGiB), 4 * kMiB}}));
  EXPECT_TRUE(mapping.wait()) << "and stays so";
  EXPECT_EQ(present_, 1);
  EXPECT_EQ(mapped_, 1);
  EXPECT_EQ(failure_, "");
  EXPECT_FALSE(mapping.failed());
}

TEST_F(BackgroundMappingTest, AFailureIsToldAndEndsTheWait) {
  space_.refuses = true;
  BackgroundMapping mapping(memory_, space_, 2, handlers_);
  EXPECT_FALSE(mapping.wait());
  EXPECT_NE(failure_, "");
  EXPECT_TRUE(mapping.failed());
  EXPECT_EQ(mapped_, 0);
}

TEST_F(BackgroundMappingTest, NobodyWaitsForWhatIsOver) {
  space_.is_slow = true;
  BackgroundMapping mapping(memory_, space_, 2, handlers_);
  over_ = true;
  EXPECT_FALSE(mapping.wait());
  space_.is_slow = false;
}

TEST_F(BackgroundMappingTest, SeveralMayWait) {
  BackgroundMapping mapping(memory_, space_, 2, handlers_);
  std::vector<std::jthread> waiters;
  std::atomic<int> mapped = 0;
  for (int i = 0; i < 4; ++i) waiters.emplace_back([&] { mapped += mapping.wait(); });
  waiters.clear();
  EXPECT_EQ(mapped, 4);
}

TEST_F(BackgroundMappingTest, StoppingGivesUpAndNothingIsUnderWayAfterwards) {
  BackgroundMapping mapping(memory_, space_, 2, handlers_);
  mapping.stop();
  const std::size_t mapped = space_.mapped.size();
  mapping.stop();
  EXPECT_EQ(space_.mapped.size(), mapped);
}

}  // namespace
}  // namespace strait
