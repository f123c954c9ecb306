#include "host/network_interface.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/fake_sysfs.h"

namespace strait::host {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class InterfacesOf : public testing::Test {
 protected:
  /// A function below another, as sysfs has it, and an interface at `place` below it.
  void add(const std::string& port, const std::string& bdf, const std::string& place, const std::string& name) {
    namespace fs = std::filesystem;
    const fs::path device = fs::path("devices/pci0000:00") / port / bdf, interface = device / place / "net" / name;
    fs::create_directories(sysfs_.root() / interface);
    fs::create_directories(sysfs_.root() / "class/net");
    fs::create_symlink("../.." / interface, sysfs_.root() / "class/net" / name);
    fs::create_directories(sysfs_.root() / "bus/pci/devices");
    fs::create_symlink("../../.." / device, sysfs_.root() / "bus/pci/devices" / bdf);
  }
  std::vector<std::string> of(const char* bdf) { return interfaces_of(Bdf::parse(bdf), sysfs_.root()); }

  test::FakeSysfs sysfs_;
};

TEST_F(InterfacesOf, OneOfTheFunctionsOwnDriver) {
  add("0000:00:1c.0", "0000:01:00.0", "", "eth0");
  EXPECT_THAT(of("0000:01:00.0"), ElementsAre("eth0"));
}

TEST_F(InterfacesOf, OneOfADriverOnTopOfIt) {
  add("0000:00:1c.0", "0000:01:00.0", "virtio3", "eth0");
  add("0000:00:1d.0", "0000:02:00.0", "usb1/1-2/1-2:1.0", "usb0");
  EXPECT_THAT(of("0000:01:00.0"), ElementsAre("eth0"));
  EXPECT_THAT(of("0000:02:00.0"), ElementsAre("usb0"));
}

TEST_F(InterfacesOf, NoneOfAFunctionBehindIt) {
  add("0000:00:1c.0", "0000:01:00.0", "", "eth0");
  sysfs_.set("0000:00:1c.0", "class", "0x060400\n");
  std::filesystem::create_symlink("../../../devices/pci0000:00/0000:00:1c.0", sysfs_.root() / "bus/pci/devices/0000:00:1c.0");
  EXPECT_THAT(of("0000:00:1c.0"), IsEmpty());
}

}  // namespace
}  // namespace strait::host
