#include "base/cpu_set.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <thread>

namespace strait {
namespace {

TEST(CpuSetTest, ListsAreAsTheKernelWritesThem) {
  EXPECT_EQ(parse_cpu_list("0"), CpuSet{0});
  EXPECT_EQ(parse_cpu_list("0-3,8,10-11"), (CpuSet{0, 1, 2, 3, 8, 10, 11}));
  EXPECT_EQ(parse_cpu_list("3,1,1-2"), (CpuSet{1, 2, 3}));
  EXPECT_EQ(parse_cpu_list("8191"), CpuSet{8191});
  for (const char* text : {"", ",", "1,", ",1", "-1", "1-", "3-1", "a", "1 ", "1-2-3", "8192", "0-99999999999"}) EXPECT_FALSE(parse_cpu_list(text)) << text;
}

TEST(CpuSetTest, TheSameTheOtherWayRound) {
  EXPECT_EQ(to_string(CpuSet{}), "");
  EXPECT_EQ(to_string(CpuSet{5}), "5");
  for (const char* text : {"0-3,8,10-11", "0,2,4", "7-9"}) EXPECT_EQ(to_string(*parse_cpu_list(text)), text);
}

TEST(CpuSetTest, AThreadRunsWhereItWasTold) {
  const CpuSet all = thread_affinity();
  ASSERT_FALSE(all.empty());
  std::jthread([&all] {
    const CpuSet last{*all.rbegin()};
    EXPECT_EQ(set_thread_affinity(last), 0);
    EXPECT_EQ(thread_affinity(), last);
    EXPECT_EQ(set_thread_affinity({8191}), -EINVAL);
  }).join();
  EXPECT_EQ(thread_affinity(), all) << "this one did not move";
}

}  // namespace
}  // namespace strait
