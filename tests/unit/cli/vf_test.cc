#include "cli/vf.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "binding/bind.h"
#include "binding/lock.h"
#include "cli/vf_list.h"
#include "tests/unit/binding/pf_test.h"

namespace strait {
namespace {

using test::error_of;
using testing::EndsWith;
using testing::HasSubstr;
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

class VfList : public binding::PfTest {
 protected:
  ListedPf look() { return look_at_vfs(pf(), host::OpenDevices(host().procfs), host()); }
};

TEST_F(VfList, OnePfWithItsVfs) {
  EXPECT_EQ(vf_table(look()), "0000:03:00.0  driver igb, 0 of 7 VFs\n");
  card_.write_attribute("sriov_numvfs", "2");
  card_.table_[1].mac = host::MacAddress{2, 0, 0, 0, 0, 1};
  card_.table_[1].vlan = 100;
  card_.table_[1].trust = true;
  card_.table_[1].max_tx_rate = 1000;
  EXPECT_EQ(vf_table(look()),
            "0000:03:00.0  driver igb, 2 of 7 VFs\n"
            "    0  0000:03:10.0  igbvf      free\n"
            "    1  0000:03:10.1  igbvf      free\n"
            "                                mac=02:00:00:00:00:01 vlan=100 trust=on\n"
            "                                max_tx_rate=1000\n");
  const auto json = vf_json(look());
  EXPECT_EQ(json["address"], "0000:03:00.0");
  EXPECT_EQ(json["total_vfs"], 7);
  EXPECT_EQ(json["vfs"][1]["settings"]["mac"], "02:00:00:00:00:01");
  EXPECT_EQ(json["vfs"][1]["settings"]["vlan_protocol"], "802.1q");
  EXPECT_EQ(json["vfs"][1]["settings"]["link_state"], nullptr) << "this driver has none";
  EXPECT_EQ(json["vfs"][0]["used"], nullptr);
  EXPECT_EQ(json["vfs"][0]["free"], true);
}

TEST_F(VfList, WhoHasAVfIsNamedWithinTheScreen) {
  card_.write_attribute("sriov_numvfs", "2");
  const auto lock = binding::Lock::take(vf(0), host());
  const std::string user = fmt::format("by strait, process {}", ::getpid());
  ListedPf listed = look();
  EXPECT_THAT(vf_table(listed), HasSubstr("\n    0  0000:03:10.0  igbvf      used " + user + "\n"));
  EXPECT_EQ(vf_json(listed)["vfs"][0]["used"], user);
  EXPECT_EQ(vf_json(listed)["vfs"][0]["free"], false);
  listed.vfs[1].used =
      "by the host: enp3s0f0v1 has the default route, enp3s0f0v1 has the address 192.0.2.1/24, enp3s0f0v1 has the address "
      "2001:db8:1234:5678:9abc:def0:1234:5678/64";
  EXPECT_THAT(vf_table(listed),
              EndsWith("\n    1  0000:03:10.1  igbvf      used by the host: enp3s0f0v1 has the default\n"
                       "                                route, enp3s0f0v1 has the address 192.0.2.1/24,\n"
                       "                                enp3s0f0v1 has the address\n"
                       "                                2001:db8:1234:5678:9abc:def0:1234:5678/64\n"));
  listed.vfs[1].used.reset();
  EXPECT_THAT(vf_table(listed), EndsWith("  igbvf      free or used: only root can tell\n"));
  EXPECT_EQ(vf_json(listed)["vfs"][1]["free"], nullptr);
  EXPECT_EQ(vf_json(listed)["vfs"][1]["used"], nullptr);
}

TEST_F(VfList, LookingOpensNoGroup) {
  card_.write_attribute("sriov_numvfs", "1");
  binding::bind({vf(0)}, false, host());
  card_.open_groups_ = {31};  // as whoever tries to open it would see
  EXPECT_EQ(look().vfs[0].used, "");
  std::filesystem::create_directories(place_.path() / "dev/vfio");
  std::filesystem::create_symlink("/dev/zero", place_.path() / "dev/vfio/31");
  place_.write("proc/4711/comm", "qemu-system-x86\n");
  std::filesystem::create_directories(place_.path() / "proc/4711/fd");
  std::filesystem::create_symlink("/dev/zero", place_.path() / "proc/4711/fd/7");
  EXPECT_EQ(look().vfs[0].used, "by qemu-system-x86, process 4711");
}

/// Another process changes their number meanwhile.
TEST_F(VfList, WhatIsGoneIsLeftOut) {
  card_.write_attribute("sriov_numvfs", "3");
  std::filesystem::remove(sysfs_.root() / "bus/pci/devices" / test::FakePf::vf(1));
  const ListedPf listed = look();
  ASSERT_EQ(listed.vfs.size(), 2u);
  EXPECT_EQ(listed.vfs[1].bdf, vf(2));
  std::filesystem::create_directory_symlink("/nonexistent", sysfs_.root() / "bus/pci/devices/0000:09:00.0");
  std::filesystem::create_directory(sysfs_.root() / "bus/pci/devices/no address");
  const auto all = look_at_all_vfs(host::OpenDevices(host().procfs), host());
  ASSERT_EQ(all.size(), 1u) << "with SR-IOV, and there";
  EXPECT_EQ(all[0].bdf, pf());
}

TEST_F(VfList, AFunctionWithoutSriovIsAnError) {
  card_.write_attribute("sriov_numvfs", "1");
  EXPECT_EQ(error_of([&] { look_at_vfs(vf(0), host::OpenDevices(host().procfs), host()); }),
            "0000:03:10.0 has no SR-IOV; strait vf list shows the functions that have");
}

}  // namespace
}  // namespace strait
