#include "cli/test_guest.h"

#include <gtest/gtest.h>

#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "tests/fakes/temporary_directory.h"

namespace strait {
namespace {

struct Member {
  std::string name;
  unsigned mode = 0;
  std::string content;
  friend bool operator==(const Member&, const Member&) = default;
};

/// Reads a newc archive as the kernel does (init/initramfs.c), up to its trailer.
std::vector<Member> read_cpio(const std::vector<std::uint8_t>& archive) {
  std::vector<Member> members;
  for (std::size_t at = 0; at + 110 <= archive.size();) {
    const std::string header(archive.begin() + static_cast<std::ptrdiff_t>(at),
                             archive.begin() + static_cast<std::ptrdiff_t>(at + 110));
    EXPECT_EQ(header.substr(0, 6), "070701");
    const auto field = [&](std::size_t number) { return std::stoul(header.substr(6 + 8 * number, 8), nullptr, 16); };
    const std::size_t size = field(6), name_size = field(11);
    const std::size_t content_at = (at + 110 + name_size + 3) / 4 * 4;
    const auto* text = reinterpret_cast<const char*>(archive.data());
    const std::string name(text + at + 110, name_size - 1);
    EXPECT_EQ(text[at + 110 + name_size - 1], '\0');
    if (name == "TRAILER!!!") return members;
    members.push_back({name, static_cast<unsigned>(field(1)), std::string(text + content_at, size)});
    at = (content_at + size + 3) / 4 * 4;
  }
  ADD_FAILURE() << "no trailer";
  return members;
}

TEST(Cpio, AFileComesWithTheDirectoriesAboveIt) {
  EXPECT_EQ(read_cpio(make_cpio("strait/command", "echo hello\n")),
            (std::vector<Member>{{"strait", 0040755, ""}, {"strait/command", 0100755, "echo hello\n"}}));
  EXPECT_EQ(read_cpio(make_cpio("a/b/c", "x")),
            (std::vector<Member>{{"a", 0040755, ""}, {"a/b", 0040755, ""}, {"a/b/c", 0100755, "x"}}));
  EXPECT_EQ(read_cpio(make_cpio("init", "")), (std::vector<Member>{{"init", 0100755, ""}}));
}

TEST(Cpio, EveryLengthIsPadded) {
  for (std::size_t length = 0; length < 9; ++length) {
    const std::string name(length + 1, 'n'), content(length, 'c');
    const auto archive = make_cpio(name, content);
    EXPECT_EQ(archive.size() % 4, 0u);
    EXPECT_EQ(read_cpio(archive), (std::vector<Member>{{name, 0100755, content}}));
  }
}

TEST(Cpio, CpioItselfReadsIt) {
  if (std::system("command -v cpio >/dev/null") != 0) GTEST_SKIP() << "there is no cpio to ask";
  const test::TemporaryDirectory directory;
  const auto archive = make_cpio("strait/command", "echo hello\n");
  directory.write("archive", std::string(archive.begin(), archive.end()));
  const std::string command = "cd '" + directory.path().string() + "' && cpio -idm --quiet <archive && test -x strait/command";
  ASSERT_EQ(std::system(command.c_str()), 0);
  std::ifstream file(directory.path() / "strait/command");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "echo hello\n");
}

std::string script(const std::vector<std::string>& command) { return command_script(command); }

TEST(CommandScript, ASingleWordIsAShellLine) {
  EXPECT_EQ(script({"ping -c 3 10.9.0.1 && echo $?"}), "ping -c 3 10.9.0.1 && echo $?\n");
}

TEST(CommandScript, SeveralWordsAreQuoted) {
  EXPECT_EQ(script({"ping", "-c", "3"}), "'ping' '-c' '3'\n");
  EXPECT_EQ(script({"echo", "it's", ""}), "'echo' 'it'\\''s' ''\n");
}

TEST(CommandScript, TheShellTakesQuotedWordsAsTheyStand) {
  const std::vector<std::string> command = {"printf", "%s|", "a b",         "$HOME",       "`x`", "it's",
                                            "\"q\"",  "*",   "back\\slash", "line\nbreak", "~",   ""};
  const test::TemporaryDirectory directory;
  const std::string file = directory.write("script", script(command));
  std::FILE* pipe = ::popen(("sh '" + file + "'").c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string output;
  for (int c; (c = std::fgetc(pipe)) != EOF;) output += static_cast<char>(c);
  EXPECT_EQ(::pclose(pipe), 0);
  EXPECT_EQ(output, "a b|$HOME|`x`|it's|\"q\"|*|back\\slash|line\nbreak|~||");
}

}  // namespace
}  // namespace strait
