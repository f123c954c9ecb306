// The program itself: exit codes and where its words go, as scripts see them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "tests/fakes/temporary_directory.h"
#include "tests/unit/broken_pipe.h"

namespace strait {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

struct Result {
  int code = -1;
  std::string out, error;
};

/// Runs strait with these words of a shell.
Result strait(const std::string& words) {
  const test::TemporaryDirectory directory;
  const std::string error_file = directory.path() / "error";
  std::FILE* pipe = ::popen((std::string(STRAIT_PROGRAM) + " " + words + " 2>" + error_file + " </dev/null").c_str(), "r");
  if (pipe == nullptr) throw Error("no shell");
  Result result;
  for (int c; (c = std::fgetc(pipe)) != EOF;) result.out += static_cast<char>(c);
  const int status = ::pclose(pipe);
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  std::ifstream file(error_file);
  result.error.assign(std::istreambuf_iterator<char>(file), {});
  return result;
}

TEST(Program, HelpAndVersionGoToStandardOutput) {
  const Result help = strait("--help");
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.out, StartsWith("strait 0."));
  EXPECT_EQ(help.error, "");
  const Result version = strait("--version");
  EXPECT_EQ(version.code, 0);
  EXPECT_THAT(version.out, MatchesRegex("strait [0-9.]+\n"));
}

TEST(Program, WrongUsageIsOneLineOnStandardErrorAndCode2) {
  const Result nothing = strait("");
  EXPECT_EQ(nothing.code, 2);
  EXPECT_EQ(nothing.out, "");
  EXPECT_THAT(nothing.error, StartsWith("strait: error: no command; strait --help tells about them: run, test, "));
  const Result cpus = strait("run --kernel x --cpus 0");
  EXPECT_EQ(cpus.code, 2);
  EXPECT_EQ(cpus.error,
            "strait: error: --cpus 0: not a number of processors; give 1 to 254; more would need x2APIC destinations\n");
}

TEST(Program, AGuestThatCannotBeStartedIsOneLineAndCode1) {
  const Result result = strait("run --kernel /nonexistent/vmlinuz --memory 32M");
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.error, StartsWith("strait: error: "));
  EXPECT_THAT(result.error, EndsWith("\n"));
  EXPECT_EQ(result.error.find('\n'), result.error.size() - 1) << result.error;
}

TEST(Program, ADeviceThatIsNotThereIsNamed) {
  const Result result = strait("run --kernel /nonexistent/vmlinuz --memory 32M --device fffe:ff:1f.7");
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.error, HasSubstr("fffe:ff:1f.7")) << "or what else is missing on this host";
}

TEST(Program, WordsThatCannotBeWrittenAreAFailure) {
  for (const char* words : {"--version", "help", "run --help", "devices --json", "devices", "vf list", "doctor", "doctor --json"}) {
    const Result result = strait(std::string(words) + " >/dev/full");
    EXPECT_EQ(result.code, 1) << words;
    EXPECT_EQ(result.error,
              "strait: error: writing to standard output: No space left on device; make room where it goes, or send it elsewhere\n")
        << words;
  }
}

TEST(Program, AReaderThatHasEnoughIsNoNews) {
  const test::BrokenPipe pipe;
  const int status = std::system((std::string(STRAIT_PROGRAM) + " devices >&9 2>/dev/null").c_str());
  EXPECT_TRUE(WIFEXITED(status) ? WEXITSTATUS(status) == 128 + SIGPIPE : WTERMSIG(status) == SIGPIPE) << status;
}

TEST(Program, ClosedStandardDescriptorsAreNoTrap) {
  EXPECT_EQ(strait("--version <&- 2>&-").code, 0);
  EXPECT_EQ(strait("run >&-").code, 2);
}

}  // namespace
}  // namespace strait
