#include "binding/vf_change.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/fake_sysfs.h"
#include "tests/unit/error_of.h"

namespace strait::binding {
namespace {

host::VfSettings some() {
  host::VfSettings settings;
  settings.mac = host::MacAddress{2, 0, 0, 0, 0, 1};
  settings.vlan = 5;
  settings.vlan_qos = 0;
  settings.trust = true;
  settings.link_state = host::VfLinkState::kAuto;
  return settings;
}

TEST(VfChange, ARecordKeepsAllOfIt) { EXPECT_EQ(from_json(nlohmann::json::parse(to_json(some()).dump())), some()); }

TEST(VfChange, EachRequestIsOneChange) {
  const auto steps = in_steps(some());
  ASSERT_EQ(steps.size(), 4u);
  EXPECT_EQ(host::vf_setting_words(steps[0]).front().first, "mac");
  EXPECT_EQ(host::vf_setting_words(steps[1]).size(), 2u) << "VLAN number and priority are one";
  EXPECT_EQ(host::vf_setting_words(steps[2]).front().first, "trust");
  EXPECT_EQ(host::vf_setting_words(steps[3]).front().first, "link_state");
}

class VfChangeOnHost : public testing::Test {
 protected:
  VfChangeOnHost() { sysfs_.add("0000:03:00.0", "igb", 1); }
  std::string error() {
    return test::error_of([&] { change_vf(pf_, 0, some(), sysfs_.root()); });
  }

  test::FakeSysfs sysfs_;
  const host::Bdf pf_ = host::Bdf::parse("0000:03:00.0");
};

TEST_F(VfChangeOnHost, APfWithoutAnInterfaceSetsNothing) {
  EXPECT_EQ(
      error(),
      "0000:03:00.0 has no network interface to set mac=02:00:00:00:00:01 vlan=5 vlanQoS=0 trust=on link_state=auto with; give the PF to "
      "its network driver: the settings of its VFs are in that one's hands");
  EXPECT_NO_THROW(change_vf(pf_, 0, {}, sysfs_.root())) << "nothing to set";
  EXPECT_NO_THROW(restore_vf({.pf = pf_, .index = 0, .settings = to_json(some())}, sysfs_.root())) << "a VF that is gone";
}

TEST_F(VfChangeOnHost, AVfThatTheDriverDoesNotKnowIsNamed) {
  sysfs_.add_interface("0000:03:00.0", "lo");  // the one interface that the machine under the test has for certain
  EXPECT_THAT(error(), testing::StartsWith("the driver of lo (0000:03:00.0) knows no VF 0; "));
}

}  // namespace
}  // namespace strait::binding
