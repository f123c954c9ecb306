#include "cli/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "tests/unit/error_of.h"

namespace strait {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Line = std::vector<const char*>;

std::string printed_by(const Line& words) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(run_command_line(words), 0);
  std::fflush(stdout);
  return testing::internal::GetCapturedStdout();
}

TEST(CommandLine, HelpAndVersionAreForStandardOutput) {
  for (const Line& words : {Line{"--help"}, Line{"-h"}, Line{"help"}}) {
    EXPECT_EQ(printed_by(words), overview());
  }
  EXPECT_THAT(printed_by({"--version"}), testing::MatchesRegex("strait [0-9.]+\n"));
}

TEST(CommandLine, EachCommandHasHelpOfItsOwn) {
  for (const Command& command : commands()) {
    const std::string name(command.name);
    EXPECT_THAT(overview(), HasSubstr("\n  strait " + name + " "));
    for (const char* option : {"--help", "-h"}) {
      const std::string text = printed_by({name.c_str(), option});
      EXPECT_EQ(text, command.help());
      EXPECT_THAT(text, StartsWith("strait " + name));
    }
  }
}

/// The terminal that everybody has. The options of run and test are more than it holds.
TEST(CommandLine, HelpFitsAScreen) {
  std::vector<std::string> texts = {overview()};
  for (const Command& command : commands()) {
    if (command.name != "run" && command.name != "test") texts.push_back(command.help());
  }
  for (const std::string& text : texts) {
    EXPECT_LE(std::ranges::count(text, '\n'), 24) << text;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
  }
}

TEST(CommandLine, HelpBehindTheDashesIsTheGuestsAffair) {
  EXPECT_THAT(test::error_of([] { run_command_line(Line{"test", "--cpus", "0", "--", "ping", "--help"}); }), HasSubstr("--cpus 0"));
}

TEST(CommandLine, NoCommandOrAnUnknownOneIsAnError) {
  const auto error = [](const Line& words) { return test::error_of<UsageError>([&] { run_command_line(words); }); };
  EXPECT_THAT(error({}), StartsWith("no command; strait --help tells about them: run, test, "));
  EXPECT_THAT(error({"start"}), StartsWith("'start' is no command; there are run, test, "));
  EXPECT_THAT(error({"--memory", "1G"}), StartsWith("'--memory' is no command; there are run, "));
  EXPECT_EQ(error({"devcies"}), "'devcies' is no command; did you mean devices?");
  EXPECT_EQ(error({"from_libvirt"}), "'from_libvirt' is no command; did you mean from-libvirt?");
}

}  // namespace
}  // namespace strait
