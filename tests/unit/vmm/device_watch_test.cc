// What the host reports on an assigned device reaches whoever asked, and nobody once the watch is over.

#include <vector>

#include <gtest/gtest.h>

#include "base/syscall.h"
#include "tests/fakes/fake_device.h"
#include "vmm/device_watch.h"

namespace strait {
namespace {

using vfio::IrqIndex;

class DeviceWatchTest : public testing::Test {
 protected:
  DeviceWatch::Handlers handlers() {
    return {.on_error = [this] { heard_.push_back(IrqIndex::kError); }, .on_request = [this] { heard_.push_back(IrqIndex::kRequest); }};
  }
  /// One round of the loop, whether there is something to hear or not.
  void listen() {
    const UniqueFd now = make_eventfd();
    signal_eventfd(now.get());
    loop_.add(now.get(), [] {});
    loop_.run([rounds = 0]() mutable { return rounds++ == 1; });
    loop_.remove(now.get());
  }

  test::FakeDevice device_{test::ConfigBuilder()};
  EventLoop loop_;
  std::vector<IrqIndex> heard_;
};

TEST_F(DeviceWatchTest, TellsErrorsFromRequests) {
  device_.set_reports();
  const DeviceWatch watch(device_, loop_, handlers());
  device_.report(IrqIndex::kError);
  listen();
  EXPECT_EQ(heard_, std::vector{IrqIndex::kError});
  device_.report(IrqIndex::kRequest);
  listen();
  EXPECT_EQ(heard_, (std::vector{IrqIndex::kError, IrqIndex::kRequest}));
}

TEST_F(DeviceWatchTest, EachReportIsHeardOnce) {
  device_.set_reports();
  const DeviceWatch watch(device_, loop_, handlers());
  device_.report(IrqIndex::kRequest);
  listen();
  listen();
  EXPECT_EQ(heard_.size(), 1u);
  device_.report(IrqIndex::kRequest);
  listen();
  EXPECT_EQ(heard_.size(), 2u) << "the host asks again and again";
}

TEST_F(DeviceWatchTest, AfterwardsNobodyListens) {
  device_.set_reports();
  { const DeviceWatch watch(device_, loop_, handlers()); }
  device_.report(IrqIndex::kError);
  device_.report(IrqIndex::kRequest);
  listen();
  EXPECT_TRUE(heard_.empty());
}

TEST_F(DeviceWatchTest, ADeviceWithoutReportsIsNoProblem) {
  const DeviceWatch watch(device_, loop_, handlers());
  device_.report(IrqIndex::kError);
  listen();
  EXPECT_EQ(device_.irq_calls(), 0u);
}

TEST_F(DeviceWatchTest, NorIsOneThatRefusesThem) {
  device_.set_reports();
  device_.gone = true;
  const DeviceWatch watch(device_, loop_, handlers());
  device_.report(IrqIndex::kError);
  listen();
  EXPECT_TRUE(heard_.empty());
}

}  // namespace
}  // namespace strait
