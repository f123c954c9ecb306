// The interrupt routers of experiments: the same interrupts as through KVM's routes and irqfds, by other calls.

#include <thread>

#include "base/log.h"
#include "base/syscall.h"
#include "kvm/unbatched_router.h"
#include "kvm/user_irq_router.h"
#include "tests/kvm/interrupt_guest.h"

namespace strait::test {
namespace {

/// A guest that counts its interrupts, which a thread of ours hands over.
class ByThread : public KvmTest {
 protected:
  void SetUp() override {
    KvmTest::SetUp();
    if (IsSkipped()) return;
    guest_.emplace();
    router_.emplace(guest_->vm, guest_->router);
    gsi_ = router_->allocate();
    set_message(0);
    guest_->start_and_wait_until_ready();
  }
  void TearDown() override {
    router_.reset();
    guest_.reset();
  }
  void set_message(unsigned number) {
    router_->stage(gsi_, InterruptGuest::message(number));
    ASSERT_TRUE(router_->commit());
  }

  const UniqueFd eventfd_ = make_eventfd();
  std::optional<InterruptGuest> guest_;
  std::optional<kvm::UserIrqRouter> router_;
  Gsi gsi_;
};

TEST_F(ByThread, EachSignalIsAnInterruptWithoutRouteOrIrqfd) {
  const std::uint64_t routes = guest_->router.routing_updates();
  ASSERT_TRUE(router_->attach(gsi_, eventfd_.get()));
  const std::uint32_t total = rounds(10'000) / 10;
  for (std::uint32_t i = 1; i <= total; ++i) {
    signal_eventfd(eventfd_.get());
    ASSERT_TRUE(guest_->eventually_counts(0, i));
  }
  EXPECT_EQ(router_->deliveries(), total);
  EXPECT_EQ(guest_->router.routing_updates(), routes);
  EXPECT_EQ(guest_->router.irqfd_calls(), 0u);
}

TEST_F(ByThread, DetachedSignalsStayInTheEventfdAndAttachingDeliversThemAsOne) {
  signal_eventfd(eventfd_.get());
  signal_eventfd(eventfd_.get());
  ASSERT_TRUE(router_->attach(gsi_, eventfd_.get()));
  ASSERT_TRUE(guest_->eventually_counts(0, 1));
  router_->detach(gsi_, eventfd_.get());
  EXPECT_EQ(drain_eventfd(eventfd_.get()), 0u);
  signal_eventfd(eventfd_.get());
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(guest_->count(0), 1u);
  EXPECT_EQ(drain_eventfd(eventfd_.get()), 1u);
}

TEST_F(ByThread, AMessageChangesWithTheCommit) {
  ASSERT_TRUE(router_->attach(gsi_, eventfd_.get()));
  set_message(3);
  signal_eventfd(eventfd_.get());
  EXPECT_TRUE(guest_->eventually_counts(3, 1));
  router_->stage(gsi_, InterruptGuest::message(4));
  signal_eventfd(eventfd_.get());
  EXPECT_TRUE(guest_->eventually_counts(3, 2));
  EXPECT_EQ(guest_->count(0) + guest_->count(4), 0u);
}

TEST_F(ByThread, NumbersAreReused) {
  const Gsi second = router_->allocate();
  EXPECT_NE(second, gsi_);
  router_->release(gsi_);
  EXPECT_EQ(router_->allocate(), gsi_);
}

TEST_F(ByThread, ADescriptorThatCannotBeWaitedForIsRefused) {
  log::set_level(log::Level::kOff);
  EXPECT_FALSE(router_->attach(gsi_, -1));
  EXPECT_FALSE(router_->attach_level(Gsi(17), -1, -1));
  log::set_level(log::Level::kWarning);
}

using Unbatched = KvmTest;

TEST_F(Unbatched, EachMessageIsACallOfItsOwnChangedOrNot) {
  MicroGuest guest;
  kvm::UnbatchedRouter router(guest.router);
  const Gsi first = router.allocate(), second = router.allocate();
  const std::uint64_t before = guest.router.routing_updates();
  router.stage(first, InterruptGuest::message(0));
  router.stage(second, InterruptGuest::message(1));
  EXPECT_TRUE(router.commit());
  EXPECT_EQ(guest.router.routing_updates(), before + 2);
  router.stage(second, InterruptGuest::message(1));
  EXPECT_TRUE(router.commit());
  EXPECT_EQ(guest.router.routing_updates(), before + 3);
  router.release(first);
  EXPECT_EQ(guest.router.routing_updates(), before + 4);
}

TEST_F(Unbatched, InterruptsArriveAllTheSame) {
  InterruptGuest guest;
  kvm::UnbatchedRouter router(guest.router);
  const UniqueFd eventfd = make_eventfd();
  const Gsi gsi = router.allocate();
  router.stage(gsi, InterruptGuest::message(2));
  ASSERT_TRUE(router.commit());
  ASSERT_TRUE(router.attach(gsi, eventfd.get()));
  guest.start_and_wait_until_ready();
  signal_eventfd(eventfd.get());
  EXPECT_TRUE(guest.eventually_counts(2, 1));
  router.detach(gsi, eventfd.get());
}

}  // namespace
}  // namespace strait::test
