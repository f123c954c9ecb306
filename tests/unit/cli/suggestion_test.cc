#include "cli/suggestion.h"

#include <gtest/gtest.h>

#include <vector>

namespace strait {
namespace {

const std::vector<std::string_view> kNames = {"memory", "cpus", "kernel", "kernel-entry", "on-reboot"};

TEST(Suggestion, IsANameThatIsMuchLikeTheWord) {
  for (const char* word : {"memroy", "memry", "memorys", "Memory", "--memory", "-memory", "nemory"}) {
    EXPECT_EQ(suggestion(word, kNames), "did you mean memory?") << word;
  }
  EXPECT_EQ(suggestion("cpu", kNames), "did you mean cpus?");
  EXPECT_EQ(suggestion("kernel_entry", kNames), "did you mean kernel-entry?");
  EXPECT_EQ(suggestion("kernl", kNames), "did you mean kernel?");
}

TEST(Suggestion, IsAllNamesWhereNoneIs) {
  for (const char* word : {"", "-", "x", "mm", "disk", "mem", "kernel-parameters"}) {
    EXPECT_EQ(suggestion(word, kNames), "there are memory, cpus, kernel, kernel-entry, on-reboot") << word;
  }
}

}  // namespace
}  // namespace strait
