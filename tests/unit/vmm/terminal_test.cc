#include "vmm/terminal.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace strait {
namespace {

/// What the guest gets of what is typed in these pieces; with "<left>" where the user left.
std::string typed(std::initializer_list<std::string_view> pieces) {
  EscapeFilter filter;
  std::vector<std::uint8_t> out;
  bool left = false;
  for (const std::string_view piece : pieces) {
    left = left || filter.filter({reinterpret_cast<const std::uint8_t*>(piece.data()), piece.size()}, out);
  }
  return std::string(out.begin(), out.end()) + (left ? "<left>" : "");
}

TEST(Escape, WhatIsTypedReachesTheGuest) {
  EXPECT_EQ(typed({"ls -l\r"}), "ls -l\r");
  EXPECT_EQ(typed({"\x03\x1b[A\xc3\xa4"}), "\x03\x1b[A\xc3\xa4") << "control characters and other alphabets too";
}

TEST(Escape, CtrlAXLeavesAndDropsTheRest) {
  EXPECT_EQ(typed({"ls\x01xrm"}), "ls<left>");
  EXPECT_EQ(typed({"\x01X"}), "<left>");
}

TEST(Escape, ItMayArriveInPieces) {
  EXPECT_EQ(typed({"a\x01", "x"}), "a<left>");
  EXPECT_EQ(typed({"a\x01", "b"}),
            "a\x01"
            "b");
}

TEST(Escape, CtrlATwiceIsOne) {
  EXPECT_EQ(typed({"\x01\x01"}), "\x01");
  EXPECT_EQ(typed({"\x01\x01x"}), "\x01x") << "and the x is an x";
  EXPECT_EQ(typed({"\x01\x01\x01x"}), "\x01<left>");
}

TEST(Escape, CtrlAAndAnythingElseIsBoth) {
  EXPECT_EQ(typed({"\x01"
                   "a\x01"
                   "e"}),
            "\x01"
            "a\x01"
            "e");
}

}  // namespace
}  // namespace strait
