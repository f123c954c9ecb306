#include "cli/ctl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/unit/error_of.h"

namespace strait {
namespace {

using testing::HasSubstr;
using Line = std::vector<const char*>;

CtlRequest parse(const Line& words) { return CtlRequest::parse(words); }

TEST(Ctl, ReadsItsWords) {
  const CtlRequest request = parse({"socket", "remove-device", "01:10.0", "--no-wait"});
  EXPECT_EQ(request.socket, "socket");
  EXPECT_EQ(request.command, "remove-device");
  EXPECT_EQ(request.arguments, std::vector<std::string>{"0000:01:10.0"});
  EXPECT_FALSE(request.wait);
  EXPECT_TRUE(parse({"s", "info"}).wait);
}

/// The other strait may have another environment, so what a form stands for is found out here.
TEST(Ctl, AddressesAreSentInFull) {
  ::setenv("STRAIT_TEST_VFS", "01:10.0", 1);
  EXPECT_EQ(parse({"s", "add-device", "env:STRAIT_TEST_VFS,addr=5,rombar=off"}).arguments[0], "0000:01:10.0,addr=5,rombar=off");
  EXPECT_EQ(parse({"s", "remove-device", "pci_0000_01_10_0"}).arguments[0], "0000:01:10.0");
  ::setenv("STRAIT_TEST_VFS", "01:10.0,01:10.2", 1);
  EXPECT_EQ(test::error_of([] { parse({"s", "add-device", "env:STRAIT_TEST_VFS,addr=5"}); }),
            "env:STRAIT_TEST_VFS stands for 2 functions: 0000:01:10.0, 0000:01:10.2; name one of them");
  ::unsetenv("STRAIT_TEST_VFS");
}

/// Which is refused there, with a reason; an address it is not.
TEST(Ctl, AVfOfAPoolIsTheOtherSidesAffair) {
  EXPECT_EQ(parse({"s", "add-device", "vf=eth0:any,vlan=5"}).arguments[0], "vf=eth0:any,vlan=5");
}

TEST(Ctl, WrongWordsAreUsageErrors) {
  for (const auto& words : {Line{}, Line{"s"}, Line{"s", "frobnicate"}, Line{"s", "info", "x"}, Line{"s", "add-device"}, Line{"s", "ping", "--now"}}) {
    EXPECT_THAT(test::error_of([&] { parse(words); }), HasSubstr("strait ctl SOCKET COMMAND"));
  }
  EXPECT_NE(test::error_of([] { parse({"s", "remove-device", "card"}); }), "");
}

}  // namespace
}  // namespace strait
