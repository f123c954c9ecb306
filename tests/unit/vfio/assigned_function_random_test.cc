#include <gtest/gtest.h>

#include <cstdio>
#include <random>

#include "base/log.h"
#include "tests/rounds.h"
#include "tests/models/function_session.h"

namespace strait::test {
namespace {

constexpr unsigned kStepsOfADevice = 1000, kBytesOfAStep = 14;

/// Devices of all kinds one after the other, each with a thousand things that happen to it: by default 20,000 of them in all, a million with
/// STRAIT_TEST_ROUNDS=100000.
TEST(AssignedFunctionRandom, AMillionOperationsAgreeWithTheReference) {
  log::set_level(log::Level::kOff);
  const unsigned devices = std::max(1u, rounds(2'000) / 100);
  unsigned steps = 0;
  std::uint64_t ioeventfds = 0;
  for (unsigned seed = 1; seed <= devices; ++seed) {
    std::mt19937 random(seed);
    std::vector<std::uint8_t> bytes(kStepsOfADevice * kBytesOfAStep);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    fuzz::Input input(bytes.data(), bytes.size());
    unsigned step = 0;
    try {
      FunctionSession session(input);
      for (; step < kStepsOfADevice; ++step) session.step(input);
      session.compare_everything();
      ioeventfds += session.ioeventfds();
    } catch (const std::exception& error) {
      FAIL() << "seed " << seed << ", step " << step << ": " << error.what();
    }
    steps += step;
  }
  log::set_level(log::Level::kWarning);
  std::printf("%u operations, seeds 1 to %u, %llu ioeventfds\n", steps, devices, static_cast<unsigned long long>(ioeventfds));
  EXPECT_EQ(steps, devices * kStepsOfADevice);
  EXPECT_GT(ioeventfds, 0u);
}

}  // namespace
}  // namespace strait::test
