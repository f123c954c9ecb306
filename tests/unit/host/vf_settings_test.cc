#include "host/vf_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/error_of.h"

namespace strait::host {
namespace {

using test::error_of;
using Words = std::vector<std::pair<std::string, std::string>>;

VfSettings settings_of(const Words& words) {
  VfSettings settings;
  for (const auto& [key, value] : words) set_vf_setting(settings, key, value, "");
  return settings;
}

const Words kAll = {{"mac", "02:00:00:00:ab:01"}, {"vlan", "4094"},      {"vlanQoS", "7"},
                    {"vlanProto", "802.1ad"},     {"spoofchk", "off"},   {"trust", "on"},
                    {"link_state", "disable"},    {"min_tx_rate", "10"}, {"max_tx_rate", "1000"}};

TEST(VfSettings, WordsGoInAndComeOut) {
  const VfSettings settings = settings_of(kAll);
  EXPECT_EQ(settings.mac, (MacAddress{2, 0, 0, 0, 0xab, 1}));
  EXPECT_EQ(settings.vlan, 4094u);
  EXPECT_EQ(settings.vlan_qos, 7u);
  EXPECT_EQ(settings.vlan_protocol, 0x88a8);
  EXPECT_EQ(settings.spoofchk, false);
  EXPECT_EQ(settings.trust, true);
  EXPECT_EQ(settings.link_state, VfLinkState::kDisable);
  EXPECT_EQ(settings.min_tx_rate, 10u);
  EXPECT_EQ(settings.max_tx_rate, 1000u);
  EXPECT_EQ(vf_setting_words(settings), kAll);
  EXPECT_TRUE(vf_setting_words({}).empty());
  EXPECT_TRUE(VfSettings().empty());
  EXPECT_FALSE(settings.empty());
}

TEST(VfSettings, BadOnesAreNamedWithWhatIsRight) {
  const auto error = [](const char* key, const char* value) {
    return error_of<UsageError>([&] {
      VfSettings settings;
      set_vf_setting(settings, key, value, "vf set ");
    });
  };
  EXPECT_EQ(error("vlan", "4095"), "vf set vlan=4095: no such value; vlan is 0 (none) to 4094");
  EXPECT_EQ(error("trust", "yes"), "vf set trust=yes: no such value; trust is on or off");
  EXPECT_THAT(error("colour", "red"), testing::StartsWith("vf set colour: no setting of a VF; there are mac=ADDRESS, vlan="));
  for (const auto& [key, value] : Words{{"mac", ""},
                                        {"mac", "02:00:00:00:00"},
                                        {"mac", "02:00:00:00:00:0g"},
                                        {"mac", "02-00-00-00-00-01"},
                                        {"mac", "01:00:00:00:00:01"},
                                        {"vlan", "-1"},
                                        {"vlanQoS", "8"},
                                        {"vlanProto", "802.1x"},
                                        {"link_state", "up"},
                                        {"max_tx_rate", "4294967296"},
                                        {"min_tx_rate", "1M"}}) {
    EXPECT_THAT(error(key.c_str(), value.c_str()), testing::HasSubstr(": no such value; ")) << key << "=" << value;
  }
}

TEST(VfSettings, ContradictionsAreFound) {
  const auto error = [](const Words& words) { return error_of<UsageError>([&] { check_vf_settings(settings_of(words), ""); }); };
  EXPECT_EQ(error({{"min_tx_rate", "20"}, {"max_tx_rate", "10"}}),
            "min_tx_rate=20 is more than max_tx_rate=10; give a smaller min_tx_rate, or max_tx_rate=0 for no limit");
  EXPECT_EQ(error({{"vlan", "0"}, {"vlanQoS", "1"}}),
            "vlanQoS=1 without a VLAN; give vlan= a number from 1 to 4094, or leave vlanQoS= out");
  EXPECT_EQ(error({{"min_tx_rate", "20"}, {"max_tx_rate", "0"}}), "(no error)");
  EXPECT_EQ(error(kAll), "(no error)");
}

TEST(VfChanges, OnlyWhatDiffersIsOne) {
  const VfSettings now = settings_of(kAll);
  EXPECT_TRUE(changes(now, now).empty());
  EXPECT_TRUE(changes(now, {}).empty());
  EXPECT_EQ(vf_setting_words(changes(now, settings_of({{"mac", "02:00:00:00:00:02"}, {"trust", "on"}}))),
            (Words{{"mac", "02:00:00:00:00:02"}}));
}

TEST(VfChanges, WhatTheKernelTakesTogetherComesTogether) {
  const VfSettings now = settings_of(kAll);
  EXPECT_EQ(vf_setting_words(changes(now, settings_of({{"vlan", "5"}}))),
            (Words{{"vlan", "5"}, {"vlanQoS", "7"}, {"vlanProto", "802.1ad"}}));
  EXPECT_EQ(vf_setting_words(changes(now, settings_of({{"max_tx_rate", "500"}}))), (Words{{"min_tx_rate", "10"}, {"max_tx_rate", "500"}}));
}

TEST(VfChanges, NoVlanHasNoPriority) {
  EXPECT_EQ(vf_setting_words(changes(settings_of(kAll), settings_of({{"vlan", "0"}}))),
            (Words{{"vlan", "0"}, {"vlanQoS", "0"}, {"vlanProto", "802.1q"}}));
}

}  // namespace
}  // namespace strait::host
