#include "cli/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "base/unique_fd.h"
#include "tests/fakes/temporary_directory.h"
#include "tests/unit/error_of.h"

namespace strait {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using Kind = ConfigName::Kind;
using Settings = std::vector<std::pair<std::string, std::string>>;

const std::vector<ConfigName> kNames = {{"memory", Kind::kValue}, {"cmdline", Kind::kValue}, {"device", Kind::kRepeatable},
                                        {"verbose", Kind::kFlag}, {"no-kernel-cache", Kind::kFlag}};

/// Names and values of a file.
Settings settings(std::string_view text) {
  Settings all;
  for (const ConfigSetting& one : parse_config(text, "guest.conf", kNames).settings) all.emplace_back(one.name, one.value);
  return all;
}

/// The only value of a line of its own.
std::string value_of(const std::string& text) {
  const Settings all = settings("cmdline = " + text);
  return all.size() == 1 ? all[0].second : "(none)";
}

std::string error(std::string_view text) {
  return test::error_of<UsageError>([&] { settings(text); });
}

TEST(ConfigText, IsASettingToALine) {
  EXPECT_THAT(settings("memory = 2G\n"
                       "device = 0000:01:10.0\n"
                       "\n"
                       "  # a comment\n"
                       "\tdevice=0000:01:10.2,rombar=off  \n"
                       "verbose\n"),
              ElementsAre(std::pair("memory", "2G"), std::pair("device", "0000:01:10.0"), std::pair("device", "0000:01:10.2,rombar=off"),
                          std::pair("verbose", "")));
}

TEST(ConfigText, KnowsItsLines) {
  const ConfigFile file = parse_config("# one\n\nmemory = 2G", "guest.conf", kNames);
  ASSERT_EQ(file.settings.size(), 1u);
  EXPECT_EQ(file.place(file.settings[0].line), "guest.conf:3");
}

TEST(ConfigText, MayBeEmpty) {
  for (const char* text : {"", "\n", "\n\n", "#", "# all of it\n", " \t\n"}) EXPECT_THAT(settings(text), IsEmpty()) << text;
}

TEST(ConfigText, MayEndWithoutANewlineOrInThoseOfOtherSystems) {
  EXPECT_THAT(settings("memory = 2G"), ElementsAre(std::pair("memory", "2G")));
  EXPECT_THAT(settings("memory = 2G\r\nverbose\r\n"), ElementsAre(std::pair("memory", "2G"), std::pair("verbose", "")));
  EXPECT_THAT(settings("\xef\xbb\xbfmemory = 2G\n"), ElementsAre(std::pair("memory", "2G"))) << "an editor's byte order mark";
}

TEST(ConfigText, ValuesGoToTheEndOfTheLine) {
  EXPECT_EQ(value_of("console=ttyS0 root=/dev/ram0"), "console=ttyS0 root=/dev/ram0");
  EXPECT_EQ(value_of(R"(dyndbg="file vfio* +p" x=\x)"), R"(dyndbg="file vfio* +p" x=\x)") << "quotation marks within a value are its own";
  EXPECT_EQ(value_of("a#b c"), "a#b c");
  EXPECT_EQ(value_of("a b # a comment"), "a b");
  EXPECT_EQ(value_of("\t a \t b \t "), "a \t b");
}

TEST(ConfigText, QuotationMarksKeepWhatIsBetween) {
  EXPECT_EQ(value_of(R"("")"), "");
  EXPECT_EQ(value_of(R"(" a # b "  # a comment)"), " a # b ");
  EXPECT_EQ(value_of(R"("say \"\\\" \n")"), R"(say "\" \n)");
  EXPECT_EQ(value_of(R"('a "b" \')"), R"(a "b" \)");
  EXPECT_EQ(value_of(R"("it's"#)"), "it's");
}

TEST(ConfigText, FlagsAreOnOrOff) {
  for (const char* on : {"verbose", "verbose = on", "verbose=\"on\"", "verbose # loud"}) {
    EXPECT_THAT(settings(on), ElementsAre(std::pair("verbose", ""))) << on;
  }
  EXPECT_THAT(settings("verbose = off"), IsEmpty());
  EXPECT_EQ(error("verbose = yes"), "guest.conf:1: verbose = yes: neither on nor off; write verbose, alone in its line, or verbose = off");
}

TEST(ConfigText, UnknownNamesAreErrorsWithASuggestion) {
  EXPECT_EQ(error("\nmemroy = 2G"), "guest.conf:2: 'memroy' is no option; did you mean memory?");
  EXPECT_EQ(error("--memory = 2G"), "guest.conf:1: '--memory' is no option; did you mean memory?");
  EXPECT_EQ(error("no_kernel_cache"), "guest.conf:1: 'no_kernel_cache' is no option; did you mean no-kernel-cache?");
  EXPECT_EQ(error("memory: 2G"), "guest.conf:1: there is no = behind 'memory:'; write NAME = VALUE");
  EXPECT_EQ(error("[guest]"), "guest.conf:1: '[guest]' is no option; there are memory, cmdline, device, verbose, no-kernel-cache");
  EXPECT_THAT(error(std::string(100'000, 'x')), StartsWith("guest.conf:1: '" + std::string(60, 'x') + "...' is no option; there are "));
}

TEST(ConfigText, AFileDoesNotNameAnother) {
  EXPECT_EQ(error("config = more.conf"), "guest.conf:1: a file of options cannot name another; take this line out");
}

TEST(ConfigText, NamesComeOnce) {
  EXPECT_EQ(error("memory = 1G\n\nmemory = 1G"), "guest.conf:3: memory is there already, in line 1; keep one of them");
  EXPECT_EQ(error("verbose = off\nverbose"), "guest.conf:2: verbose is there already, in line 1; keep one of them");
}

TEST(ConfigText, LinesThatAreNoSettingsAreErrors) {
  EXPECT_EQ(error("memory"), "guest.conf:1: memory needs a value; write memory = VALUE");
  EXPECT_EQ(error("memory 2G"), "guest.conf:1: there is no = behind 'memory'; write NAME = VALUE");
  EXPECT_EQ(error("= 2G"), "guest.conf:1: there is no name before the =; write NAME = VALUE");
  for (const char* text : {"memory =", "memory = # much", "memory=\t"}) {
    EXPECT_EQ(error(text), "guest.conf:1: there is no value behind 'memory ='; give one; \"\" is the empty one");
  }
  EXPECT_EQ(error("cmdline = \"a b\nc\""),
            "guest.conf:1: the value begins with \" and has no other to close it; a setting ends with its line; close it there");
  EXPECT_THAT(error(R"(cmdline = "a\")"), HasSubstr("begins with \" and has no other"));
  EXPECT_THAT(error("cmdline = 'it's'"),
              HasSubstr("'s'' stands behind the value's closing '; put the whole value between quotation marks"));
}

TEST(ConfigText, WhatIsNotTextIsRefused) {
  const std::string remedy = ", which is not text; give a file of options, lines NAME = VALUE";
  EXPECT_EQ(error(std::string_view("memory = 2G\nverb\0ose", 20)), "guest.conf:2: there is a byte 0x00" + remedy);
  EXPECT_EQ(error("# \x1b[31m"), "guest.conf:1: there is a byte 0x1b" + remedy) << "in a comment, too: messages may show it";
  EXPECT_EQ(error("memory = 1\r2"), "guest.conf:1: there is a byte 0x0d" + remedy);
}

TEST(ConfigText, IsWrittenAsItIsRead) {
  EXPECT_EQ(config_line("memory", "2G"), "memory = 2G");
  EXPECT_EQ(config_line("cmdline", "a=\"b c\" d"), "cmdline = a=\"b c\" d");
  for (const char* value : {"", " ", " a", "a ", "a # b", "#", "\"a\"", "'a'", R"(\ # ")", R"("\")", "\t", "=", "a=b"}) {
    EXPECT_THAT(settings(config_line("cmdline", value)), ElementsAre(std::pair("cmdline", value))) << value;
  }
  EXPECT_THAT(test::error_of<UsageError>([] { config_line("cmdline", "a\nb"); }), StartsWith("there is a byte 0x0a, which is not text; "));
}

class ConfigOnDisk : public testing::Test {
 protected:
  std::string error_of_reading(const std::string& path) {
    return test::error_of<UsageError>([&] { read_config(path, kNames); });
  }

  const test::TemporaryDirectory directory_;
};

TEST_F(ConfigOnDisk, KnowsItsDirectory) {
  const ConfigFile file = read_config(directory_.write("guest.conf", "memory = 2G"), kNames);
  EXPECT_EQ(file.directory, directory_.path());
  EXPECT_EQ(file.settings.size(), 1u);
  EXPECT_EQ(file.place(1), (directory_.path() / "guest.conf").string() + ":1");
}

TEST_F(ConfigOnDisk, APipeHasNoDirectory) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  ASSERT_EQ(::write(writer.get(), "memory = 2G\n", 12), 12);
  writer.reset();
  const ConfigFile file = read_config("/dev/fd/" + std::to_string(reader.get()), kNames);
  EXPECT_EQ(file.settings.size(), 1u);
  EXPECT_EQ(file.directory, "");
}

TEST_F(ConfigOnDisk, WhatCannotBeReadIsAnError) {
  EXPECT_EQ(error_of_reading("/nonexistent/guest.conf"),
            "--config /nonexistent/guest.conf: it cannot be opened: No such file or directory; give a file of options that you may read");
  EXPECT_EQ(error_of_reading(directory_.path()), "--config " + directory_.path().string() + ": it is a directory; give a file of options");
  EXPECT_EQ(error_of_reading("-"),
            "--config -: standard input is the guest's console; give a file; a shell's <(COMMAND) is one, and ./- a file of that name");
  EXPECT_EQ(error_of_reading(""), "--config : it cannot be opened: No such file or directory; give a file of options that you may read");
  EXPECT_EQ(error_of_reading("/proc/self/mem"), "--config /proc/self/mem: it cannot be read: Input/output error; give a file of options")
      << "address 0 is nobody's";
}

TEST_F(ConfigOnDisk, WhatIsTooLargeIsAnError) {
  const std::string most = directory_.write("most.conf", std::string(1 << 20, '\n'));
  EXPECT_THAT(read_config(most, kNames).settings, IsEmpty());
  const std::string more = directory_.write("more.conf", std::string((1 << 20) + 1, '\n'));
  const std::string what = ": it is larger than 1 MiB; give a file of options, lines NAME = VALUE";
  EXPECT_EQ(error_of_reading(more), "--config " + more + what);
  EXPECT_EQ(error_of_reading("/dev/zero"), "--config /dev/zero" + what) << "without reading all of it";
}

}  // namespace
}  // namespace strait
