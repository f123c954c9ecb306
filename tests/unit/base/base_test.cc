// The small parts of the ground floor.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "base/counter.h"
#include "base/little_endian.h"
#include "base/log.h"
#include "base/syscall.h"
#include "base/types.h"
#include "base/units.h"
#include "tests/fakes/temporary_directory.h"
#include "tests/unit/error_of.h"

namespace strait {
namespace {

using test::error_of;

constexpr Range<Gpa> range(std::uint64_t start, std::uint64_t size) { return {Gpa(start), size}; }

TEST(RangeTest, ContainsWhatIsWhollyInside) {
  const auto r = range(0x1000, 0x1000);
  EXPECT_TRUE(r.contains(Gpa(0x1000)));
  EXPECT_TRUE(r.contains(Gpa(0x1fff)));
  EXPECT_FALSE(r.contains(Gpa(0x2000)));
  EXPECT_FALSE(r.contains(Gpa(0xfff)));
  EXPECT_TRUE(r.contains(r));
  EXPECT_TRUE(r.contains(range(0x1800, 0x800)));
  EXPECT_FALSE(r.contains(range(0x1800, 0x801)));
  EXPECT_FALSE(r.contains(range(0x1800, ~0ull))) << "no wrapping around";
  EXPECT_FALSE(range(0x1000, 0).contains(Gpa(0x1000)));
}

TEST(RangeTest, OverlapNeedsACommonByte) {
  EXPECT_TRUE(range(0x1000, 0x1000).overlaps(range(0x1fff, 1)));
  EXPECT_FALSE(range(0x1000, 0x1000).overlaps(range(0x2000, 1)));
  EXPECT_FALSE(range(0x1000, 0x1000).overlaps(range(0, 0x1000)));
  EXPECT_TRUE(range(0, 0x10000).overlaps(range(0x1000, 0x10)));
}

TEST(StrongTest, KindsDoNotMix) {
  static_assert(!std::is_convertible_v<Gpa, Iova> && !std::is_convertible_v<std::uint64_t, Gpa>);
  EXPECT_EQ(Gpa(5) + 3, Gpa(8));
  EXPECT_EQ(Gpa(8) - Gpa(5), 3u);
  EXPECT_LT(Port(1), Port(2));
}

TEST(ShownTest, IsALineThatNoTerminalObeysAndNotTooLong) {
  EXPECT_EQ(shown("a\nb\x1b[2J\x7f\xc2\x9b\xc2\xa0"), "a?b?[2J?\xc2?\xc2\xa0");
  EXPECT_EQ(shown(std::string(60, 'a')), std::string(60, 'a'));
  EXPECT_EQ(shown(std::string(70, 'a')), std::string(60, 'a') + "...");
  EXPECT_EQ(shown("k\xc3\xa4se", 2), "k...") << "characters stay whole";
  EXPECT_EQ(shown("k\xc3\xa4se", 3), "k\xc3\xa4...");
}

TEST(ReadAndWriteTest, AllOrUpToALimitOrErrno) {
  const test::TemporaryDirectory directory;
  const std::string text(40'000, 'x'), path = directory.write("file", "");
  EXPECT_EQ(write_all(open_file(path, O_WRONLY).get(), text), 0);
  std::string all = "before ", part;
  EXPECT_EQ(read_all(open_file(path, O_RDONLY).get(), all), 0);
  EXPECT_EQ(all, "before " + text);
  EXPECT_EQ(read_all(open_file(path, O_RDONLY).get(), part, 20'000), 0);
  EXPECT_EQ(part.size(), 20'000u);
  EXPECT_EQ(read_all(open_file(directory.path(), O_RDONLY).get(), part, 30'000), EISDIR);
  EXPECT_EQ(write_all(open_file("/dev/full", O_WRONLY).get(), text), ENOSPC);
}

TEST(ReadAndWriteTest, WaitsForRoom) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  ASSERT_EQ(::fcntl(writer.get(), F_SETFL, O_NONBLOCK), 0);
  const std::string text(1'000'000, 'x');
  std::string all;
  std::jthread reading([&] { read_all(reader.get(), all); });
  EXPECT_EQ(write_all(writer.get(), text), 0);
  writer.reset();
  reading.join();
  EXPECT_EQ(all, text);
}

TEST(UnitsTest, Alignment) {
  static_assert(align_up(1, kPageSize) == kPageSize && align_up(kPageSize, kPageSize) == kPageSize &&
                align_down(0x1fff, kPageSize) == 0x1000);
  static_assert(is_aligned(0, kGiB) && !is_aligned(kMiB, kHugePageSize));
  EXPECT_EQ(align_up(~0ull, kPageSize), 0u) << "wraps, as documented";
}

TEST(LittleEndianTest, AccessesOfAnyLength) {
  const std::array<std::uint8_t, 10> bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  EXPECT_EQ(load<std::uint32_t>(bytes, 1), 0x05040302u);
  EXPECT_EQ(load_access(std::span(bytes).first(3)), 0x030201u);
  EXPECT_EQ(load_access(bytes), 0x0807060504030201u);
  std::array<std::uint8_t, 10> out;
  out.fill(0xcc);
  store_access(out, 0x1122334455667788);
  EXPECT_EQ(out[0], 0x88);
  EXPECT_EQ(out[7], 0x11);
  EXPECT_EQ(out[8], 0) << "zeroes past the eighth byte";
  fill_ones(out);
  EXPECT_EQ(out[9], 0xff);
}

TEST(ErrorTest, TheLineSaysWhatAndWhyAndWhatToDo) {
  EXPECT_STREQ(Error("it failed").what(), "it failed");
  EXPECT_STREQ(Error("it failed", "try again").what(), "it failed; try again");
  const Error error = Error::from_errno(ENOENT, "opening x", "make it");
  EXPECT_STREQ(error.what(), "opening x: No such file or directory; make it");
  EXPECT_EQ(error.code(), ENOENT);
  EXPECT_EQ(Error("x").code(), 0);
}

TEST(UniqueFdTest, ClosesOnce) {
  int number = -1;
  {
    UniqueFd first = make_eventfd();
    number = first.get();
    UniqueFd second = std::move(first);
    EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): that is the point
    EXPECT_EQ(second.get(), number);
    UniqueFd& same = second;
    second = std::move(same);
    EXPECT_TRUE(second);
  }
  EXPECT_LT(::fcntl(number, F_GETFD), 0);
}

TEST(EventfdTest, CountsUntilDrained) {
  const UniqueFd fd = make_eventfd();
  EXPECT_EQ(drain_eventfd(fd.get()), 0u);
  signal_eventfd(fd.get());
  signal_eventfd(fd.get());
  EXPECT_EQ(drain_eventfd(fd.get()), 2u);
  EXPECT_EQ(drain_eventfd(fd.get()), 0u);
  EXPECT_TRUE(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC);
}

TEST(FilesTest, TextFilesAreReadWhole) {
  const test::TemporaryDirectory directory;
  EXPECT_EQ(read_text_file(directory.write("short", "0x020000\n")), "0x020000");
  EXPECT_EQ(read_text_file(directory.write("empty", "")), "");
  const std::string large(10'000, 'x');
  EXPECT_EQ(read_text_file(directory.write("large", large + "\n\n")), large + "\n") << "only the last newline goes";
  EXPECT_EQ(error_of([] { read_text_file("/nonexistent"); }), "opening /nonexistent: No such file or directory");
  EXPECT_EQ(error_of([&] { read_text_file(directory.path()); }), "reading " + directory.path().string() + ": Is a directory");
}

TEST(IoctlTest, FailuresAreNegativeErrnosOrErrors) {
  EXPECT_EQ(try_ioctl(-1, 0), -EBADF);
  EXPECT_EQ(error_of([] { checked_ioctl(-1, 0, "KVM_NOTHING"); }), "KVM_NOTHING: Bad file descriptor");
}

TEST(CounterTest, LosesNothingBetweenThreads) {
  Counter counter;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 1000; ++n) counter.add();
      });
    }
  }
  counter.add(5);
  EXPECT_EQ(counter.value(), 4005u);
}

TEST(LogTest, LevelsAreAThreshold) {
  log::set_level(log::Level::kOff);
  EXPECT_FALSE(log::enabled(log::Level::kError));
  log::set_level(log::Level::kInfo);
  EXPECT_TRUE(log::enabled(log::Level::kWarning));
  EXPECT_FALSE(log::enabled(log::Level::kDebug));
  log::set_level(log::Level::kWarning);
}

TEST(LogTest, LinesGoToStandardErrorWithTheirLevel) {
  testing::internal::CaptureStderr();
  log::warning("{} of {}", 1, 2);
  log::info("not shown");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "strait: warning: 1 of 2\n");
}

TEST(LogTest, ABudgetEnds) {
  log::Budget budget;
  testing::internal::CaptureStderr();
  for (int i = 0; i < 1000; ++i) log::warning(budget, "again");
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 10);
}

}  // namespace
}  // namespace strait
