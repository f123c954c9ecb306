#include "cli/vf.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/vf_list.h"
#include "tests/unit/binding/pf_test.h"

namespace strait {
namespace {

using test::error_of;
using testing::EndsWith;
using testing::StartsWith;

std::string usage(const std::vector<const char*>& words) {
  return error_of<UsageError>([&] { run_vf(words); });
}

TEST(VfWords, MistakesAreNamed) {
  const auto is_usage = [](const char* what) { return testing::AllOf(StartsWith(what), EndsWith("strait vf --help tells more")); };
  EXPECT_THAT(usage({}), is_usage("vf needs a command; strait vf create PF N"));
  EXPECT_THAT(usage({"make"}), is_usage("vf make: unknown command; "));
  EXPECT_THAT(usage({"create", "01:00.0"}), is_usage("vf create: wrong number of arguments; "));
  EXPECT_THAT(usage({"create", "01:00.0", "four"}), is_usage("vf: 'four' is no number of VFs; "));
  EXPECT_THAT(usage({"create", "01:00.0", "4", "--force"}), is_usage("vf create: '--force' is no option of it; "));
  EXPECT_THAT(usage({"remove"}), is_usage("vf remove: wrong number of arguments; "));
  EXPECT_THAT(usage({"list", "a", "b"}), is_usage("vf list: wrong number of arguments; "));
  EXPECT_THAT(usage({"set", "01:00.0", "x", "vlan=5"}), is_usage("vf: 'x' is no number of a VF; "));
  EXPECT_EQ(usage({"set", "01:00.0", "0", "vlan=5000"}), "vf set vlan=5000: no such value; vlan is 0 (none) to 4094");
  EXPECT_THAT(usage({"set", "01:00.0", "0", "vlan"}), StartsWith("vf set: 'vlan' is not KEY=VALUE; there are "));
}

class VfList : public binding::PfTest {};

TEST_F(VfList, OnePfWithItsVfs) {
  EXPECT_EQ(functions_with_sriov(host()), std::vector{pf()});
  EXPECT_EQ(vf_table(pf(), host()), "0000:03:00.0  driver igb, 0 of 7 VFs\n");
  card_.write_attribute("sriov_numvfs", "2");
  card_.table_[1].mac = host::MacAddress{2, 0, 0, 0, 0, 1};
  card_.table_[1].vlan = 100;
  card_.table_[1].trust = true;
  card_.table_[1].max_tx_rate = 1000;
  EXPECT_EQ(vf_table(pf(), host()),
            "0000:03:00.0  driver igb, 2 of 7 VFs\n"
            "    0  0000:03:10.0  igbvf      free\n"
            "    1  0000:03:10.1  igbvf      free\n"
            "                                mac=02:00:00:00:00:01 vlan=100 trust=on\n"
            "                                max_tx_rate=1000\n");
  const auto json = vf_json(pf(), host());
  EXPECT_EQ(json["address"], "0000:03:00.0");
  EXPECT_EQ(json["total_vfs"], 7);
  EXPECT_EQ(json["vfs"][1]["settings"]["mac"], "02:00:00:00:00:01");
  EXPECT_EQ(json["vfs"][1]["settings"]["vlan_protocol"], "802.1q");
  EXPECT_EQ(json["vfs"][1]["settings"]["link_state"], nullptr) << "this driver has none";
  EXPECT_EQ(json["vfs"][0]["used"], nullptr);
}

}  // namespace
}  // namespace strait
