#include "host/next_hops.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strait::host {
namespace {

using testing::ElementsAre;

/// An attribute that ends where memory does.
class NextHopsTest : public testing::Test {
 protected:
  NextHopsTest() : memory_(::mmap(nullptr, 2 * page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {}
  ~NextHopsTest() override { ::munmap(memory_, 2 * page()); }
  void SetUp() override {
    ASSERT_NE(memory_, MAP_FAILED);
    ASSERT_EQ(::mprotect(static_cast<std::uint8_t*>(memory_) + page(), page(), PROT_NONE), 0);
  }

  std::vector<int> interfaces_in(const std::vector<rtnexthop>& hops) {
    const std::size_t size = hops.size() * sizeof(rtnexthop);
    auto* const attribute = reinterpret_cast<nlattr*>(static_cast<std::uint8_t*>(memory_) + page() - size - NLA_HDRLEN);
    *attribute = {.nla_len = static_cast<std::uint16_t>(NLA_HDRLEN + size), .nla_type = RTA_MULTIPATH};
    std::copy(hops.begin(), hops.end(), static_cast<rtnexthop*>(nla_data(attribute)));
    std::vector<int> interfaces;
    each_next_hop(attribute, [&](const rtnexthop& hop) { interfaces.push_back(hop.rtnh_ifindex); });
    return interfaces;
  }
  static rtnexthop hop(int interface, std::uint16_t length = sizeof(rtnexthop)) {
    return {.rtnh_len = length, .rtnh_flags = 0, .rtnh_hops = 0, .rtnh_ifindex = interface};
  }

 private:
  static std::size_t page() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

  void* memory_;
};

TEST_F(NextHopsTest, AllAreVisitedAndNothingBehindThem) {
  EXPECT_THAT(interfaces_in({hop(3), hop(5)}), ElementsAre(3, 5));
  EXPECT_THAT(interfaces_in({}), ElementsAre());
}

TEST_F(NextHopsTest, OneThatIsCutShortIsTheEnd) {
  EXPECT_THAT(interfaces_in({hop(3), hop(5, 2 * sizeof(rtnexthop))}), ElementsAre(3));
  EXPECT_THAT(interfaces_in({hop(3), hop(5, 1)}), ElementsAre(3));
}

}  // namespace
}  // namespace strait::host
