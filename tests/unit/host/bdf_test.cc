#include "host/bdf.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/unit/error_of.h"

namespace strait::host {
namespace {

using test::error_of;

TEST(BdfTest, TheFullFormIsReadAndWritten) {
  const Bdf bdf = Bdf::parse("0000:01:10.2");
  EXPECT_EQ(bdf, (Bdf{.domain = 0, .bus = 1, .device = 0x10, .function = 2}));
  EXPECT_EQ(bdf.to_string(), "0000:01:10.2");
}

TEST(BdfTest, OtherFormsMeanTheSame) {
  const char* const kForms[] = {"01:10.2",
                                "1:10.2",
                                "0:1:10.2",
                                "/sys/bus/pci/devices/0000:01:10.2",
                                "devices/01:10.2",
                                "/sys/bus/pci/devices/0000:01:10.2/",
                                "/sys/devices/pci0000:00/0000:00:1c.0/0000:01:10.2"};
  for (const char* form : kForms) EXPECT_EQ(Bdf::parse(form).to_string(), "0000:01:10.2") << form;
}

TEST(BdfTest, LimitsAreThoseOfPciExpress) {
  EXPECT_EQ(Bdf::parse("ffff:ff:1f.7").to_string(), "ffff:ff:1f.7");
  EXPECT_EQ(Bdf::parse("10000:e1:00.0").to_string(), "10000:e1:00.0") << "VMD's domains have five digits";
  EXPECT_EQ(Bdf::parse("AB:0C.0").to_string(), "0000:ab:0c.0");
}

TEST(BdfTest, BadFormsAreUsageErrorsThatShowTheRightOnes) {
  const char* const kForms[] = {"",
                                "/",
                                "card",
                                "01:10",
                                "01.0",
                                "01:20.0",
                                "01:10.8",
                                "100:10.0:0",
                                "0000:01:10",
                                ":10.0",
                                "01:.0",
                                "01:10.",
                                "-1:10.0",
                                "01:10.0x",
                                "01:10.00",
                                "01:010.0",
                                "001:10.0",
                                "0000:001:10.0",
                                "0x01:10.0",
                                " 01:10.0",
                                "01:10.0 ",
                                "123456789:01:10.0",
                                "0:0000:01:10.0",
                                "eth0"};
  for (const char* form : kForms) {
    EXPECT_EQ(
        error_of<UsageError>([&] { Bdf::parse(form); }),
        fmt::format("'{}' is no PCI address; write it as 0000:01:10.0, 01:10.0 or /sys/bus/pci/devices/0000:01:10.0", form));
  }
}

TEST(BdfTest, TheyAreOrdered) {
  EXPECT_LT(Bdf::parse("01:10.0"), Bdf::parse("01:10.2"));
  EXPECT_LT(Bdf::parse("01:1f.7"), Bdf::parse("02:00.0"));
  EXPECT_LT(Bdf::parse("ff:1f.7"), Bdf::parse("0001:00:00.0"));
}

}  // namespace
}  // namespace strait::host
