#include "host/checks/acs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>

#include "tests/fakes/fake_host.h"

namespace strait::host {
namespace {

using testing::ElementsAre;

/// A port's configuration space: the Express capability behind another one, and ACS behind another extended one.
std::string port(unsigned type, int able, int on) {
  std::string config(4096, '\0');
  config[0x34] = 0x40;
  config[0x40] = 0x01;
  config[0x41] = 0x50;
  config[0x50] = 0x10;
  config[0x52] = static_cast<char>(type << 4 | 2);
  const auto extended = [&](std::size_t at, unsigned id, unsigned next) {
    config[at] = static_cast<char>(id);
    config[at + 2] = static_cast<char>(1 | (next & 0xf) << 4);
    config[at + 3] = static_cast<char>(next >> 4);
  };
  extended(0x100, 0x01, able >= 0 ? 0x148 : 0);
  if (able >= 0) {
    extended(0x148, 0x0d, 0);
    config[0x14c] = static_cast<char>(able);
    config[0x14e] = static_cast<char>(on);
  }
  return config;
}

constexpr unsigned kRootPort = 4, kUpstream = 5, kDownstream = 6, kToPci = 7;

class AcsAbove : public testing::Test {
 protected:
  /// A bridge above the function 0000:03:00.0: the next one down from those added before.
  void add_bridge(const std::string& bdf, const std::string& config) {
    path_ += bdf + "/";
    host_.sysfs(path_ + "config", config);
  }
  AcsReport report() {
    namespace fs = std::filesystem;
    const fs::path root = host_.view().sysfs, real = root / (path_ + "0000:03:00.0");
    fs::create_directories(real);
    fs::create_directories(root / "bus/pci/devices");
    fs::remove(root / "bus/pci/devices/0000:03:00.0");
    fs::create_symlink(real, root / "bus/pci/devices/0000:03:00.0");
    return acs_above(host_.view(), Bdf::parse("03:00.0"));
  }

  test::FakeHost host_;
  std::string path_ = "devices/pci0000:00/";
};

TEST_F(AcsAbove, NothingAboveIsNothingInTheWay) { EXPECT_TRUE(report().isolates()); }

TEST_F(AcsAbove, WhatAPortCanMustBeOn) {
  add_bridge("0000:00:1c.0", port(kRootPort, 0x1f, 0x1d));
  add_bridge("0000:01:00.0", port(kUpstream, -1, 0));
  add_bridge("0000:02:00.0", port(kDownstream, 0x01, 0x01));
  EXPECT_TRUE(report().isolates()) << "an upstream port needs none, and nothing is asked of a port that it cannot";
}

TEST_F(AcsAbove, PortsAreToldApart) {
  add_bridge("0000:00:1c.0", port(kRootPort, -1, 0));
  add_bridge("0000:01:00.0", port(kDownstream, 0x1f, 0x01));
  add_bridge("0000:02:00.0", port(kRootPort, 0x1f, 0x1d).substr(0, 64));
  EXPECT_THAT(report().without, ElementsAre("0000:00:1c.0"));
  EXPECT_THAT(report().disabled, ElementsAre("0000:01:00.0"));
  EXPECT_THAT(report().unreadable, ElementsAre("0000:02:00.0"));
  EXPECT_FALSE(report().isolates());
}

TEST_F(AcsAbove, ConventionalPciHasNone) {
  add_bridge("0000:00:1c.0", port(kToPci, 0x1f, 0x1d));
  add_bridge("0000:01:00.0", std::string(256, '\0'));
  EXPECT_THAT(report().without, ElementsAre("0000:01:00.0", "0000:00:1c.0"));
}

TEST_F(AcsAbove, ListsThatRunInCirclesOrOutOfTheSpaceEnd) {
  std::string circle = port(kRootPort, -1, 0);
  circle[0x51] = 0x40;
  circle[0x50] = 0x05;
  add_bridge("0000:00:1c.0", circle);
  std::string extended = port(kRootPort, 0x1f, 0x1d);
  extended[0x148] = 0x02;
  extended[0x14a] = 0x01;
  extended[0x14b] = 0x10;  // back to 0x100
  add_bridge("0000:01:00.0", extended);
  std::string out = port(kRootPort, 0x1f, 0x1d);
  out[0x102] = static_cast<char>(0xc1);
  out[0x103] = static_cast<char>(0xff);
  add_bridge("0000:02:00.0", out);
  std::string last = std::string(256, '\0');
  last[0x34] = static_cast<char>(0xfc);
  last[0xfc] = 0x10;
  last[0xfe] = 0x42;
  add_bridge("0000:02:01.0", last);
  EXPECT_THAT(report().without, ElementsAre("0000:02:01.0", "0000:02:00.0", "0000:01:00.0", "0000:00:1c.0"));
}

TEST_F(AcsAbove, AFunctionThatIsNotThereHasNothingAbove) { EXPECT_TRUE(acs_above(host_.view(), Bdf::parse("09:00.0")).isolates()); }

}  // namespace
}  // namespace strait::host
