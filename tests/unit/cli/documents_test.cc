// The manual page and README.md name every command and every option of run and test.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/run_options.h"

namespace strait {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

std::string content(const std::string& name) {
  std::ifstream file(STRAIT_SOURCE "/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> run_options() {
  static const std::regex kOption("\n +--([a-z-]+)");
  const std::string help = run_help();
  std::vector<std::string> options;
  for (std::sregex_iterator match(help.begin(), help.end(), kOption), end; match != end; ++match) options.push_back((*match)[1]);
  return options;
}

TEST(Documents, NameEveryCommand) {
  const std::string manual = content("docs/strait.1"), readme = content("README.md");
  for (const Command& command : commands()) {
    EXPECT_THAT(manual, testing::ContainsRegex("\n\\.(Nm )?Cm " + std::string(command.name))) << "docs/strait.1";
    EXPECT_THAT(readme, HasSubstr("strait " + std::string(command.name))) << "README.md";
  }
}

TEST(Documents, NameEveryOptionOfRun) {
  const std::string manual = content("docs/strait.1"), readme = content("README.md");
  ASSERT_THAT(run_options(), SizeIs(testing::Ge(15u)));
  for (const std::string& option : run_options()) {
    EXPECT_THAT(manual, HasSubstr("\n.It Fl Fl " + option)) << "docs/strait.1";
    EXPECT_THAT(readme, HasSubstr("\n| `--" + option)) << "README.md";
  }
}

}  // namespace
}  // namespace strait
