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

/// What is set back of `now`, in the order of the requests.
std::string steps_back_of(const VfBefore& before, const host::VfSettings& now) {
  std::string text;
  for (const host::VfSettings& step : steps_back(before, now)) {
    for (const auto& [key, value] : host::vf_setting_words(step)) text += key + "=" + value + " ";
  }
  return text;
}

TEST(VfChange, WhatStraitSetIsSetBack) {
  const VfBefore before = {.pf = {}, .index = 0, .settings = some(), .ours = {.vlan = 7, .vlan_qos = 0, .trust = false}};
  host::VfSettings now = some();
  EXPECT_EQ(steps_back_of(before, now), "") << "killed before it was set";
  now.vlan = 7;
  EXPECT_EQ(steps_back_of(before, now), "vlan=5 vlanQoS=0 ");
  now.trust = false;
  EXPECT_EQ(steps_back_of(before, now), "vlan=5 vlanQoS=0 trust=on ");
}

TEST(VfChange, WhatOthersSetSinceStays) {
  const VfBefore before = {.pf = {}, .index = 0, .settings = some(), .ours = {.vlan = 7, .vlan_qos = 0}};
  host::VfSettings now = some();
  now.vlan = 20;
  now.trust = false;
  EXPECT_EQ(steps_back_of(before, now), "");
}

TEST(VfChange, AMacAddressIsSetBackUnlessOnlyAnAdministratorCanHaveChangedIt) {
  const host::MacAddress ours = {2, 0, 0, 0, 0, 7}, other = {2, 0, 0, 0, 0, 9};
  VfBefore before = {.pf = {}, .index = 0, .settings = some(), .ours = {}};
  before.settings.trust = false;
  host::VfSettings now = before.settings;
  now.mac = other;
  EXPECT_EQ(steps_back_of(before, now), "mac=02:00:00:00:00:01 ") << "the guest's driver's";
  before.ours.mac = ours;
  EXPECT_EQ(steps_back_of(before, now), "") << "the guest could not";
  now.trust = true;
  EXPECT_EQ(steps_back_of(before, now), "mac=02:00:00:00:00:01 ") << "it could";
  now.trust = false;
  now.mac = ours;
  EXPECT_EQ(steps_back_of(before, now), "mac=02:00:00:00:00:01 ");
  now.mac = host::MacAddress();
  EXPECT_EQ(steps_back_of(before, now), "mac=02:00:00:00:00:01 ") << "the VF was reset";
}

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
}

TEST_F(VfChangeOnHost, AVfThatTheDriverDoesNotKnowIsNamed) {
  sysfs_.add_interface("0000:03:00.0", "lo");  // the one interface that the machine under the test has for certain
  EXPECT_THAT(error(), testing::StartsWith("the driver of lo (0000:03:00.0) knows no VF 0; "));
}

}  // namespace
}  // namespace strait::binding
