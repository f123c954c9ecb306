#include "binding/sriov.h"

#include "binding/bind.h"
#include "binding/lease.h"
#include "binding/vf_pool.h"
#include "tests/unit/binding/killed.h"
#include "tests/unit/binding/pf_test.h"

namespace strait::binding {
namespace {

using test::error_of;
using testing::HasSubstr;

class SriovTest : public PfTest {
 protected:
  std::string error(unsigned count) {
    return error_of([&] { set_vf_count(pf(), count, false, host()); });
  }
};

TEST_F(SriovTest, NewVfsHaveNoDriverAndAutoprobeIsAsBefore) {
  set_vf_count(pf(), 3, false, host());
  EXPECT_EQ(card_.attribute("sriov_numvfs"), "3");
  EXPECT_EQ(card_.driver(2), "");
  EXPECT_EQ(card_.attribute("sriov_drivers_autoprobe"), "1");
  EXPECT_TRUE(records().functions().empty());
}

TEST_F(SriovTest, HostDriversAreProbedWhereThatIsAskedFor) {
  sysfs_.set(test::FakePf::kPf, "sriov_drivers_autoprobe", "0\n");
  set_vf_count(pf(), 1, true, host());
  EXPECT_EQ(card_.driver(0), "igbvf");
  EXPECT_EQ(card_.attribute("sriov_drivers_autoprobe"), "0");
}

TEST_F(SriovTest, AnotherNumberGoesByWayOfNone) {
  set_vf_count(pf(), 3, false, host());
  set_vf_count(pf(), 5, false, host());
  EXPECT_EQ(card_.table_.size(), 5u);
  set_vf_count(pf(), 0, false, host());
  EXPECT_TRUE(card_.table_.empty());
}

/// Where the new number is refused the former VFs come back, and not as the killed run had set them.
TEST_F(SriovTest, WhatAKilledRunLeftOfAVfIsPutRightFirst) {
  set_vf_count(pf(), 2, true, host());
  const auto before = card_.table_;
  take_vf(pf(), 0, {.mac = host::MacAddress{2, 0, 0, 0, 0, 9}, .vlan = 7}, {}, host()).keep();
  card_.refused_numbers_ = {5};
  EXPECT_THAT(error(5), HasSubstr("Cannot allocate memory"));
  EXPECT_EQ(card_.table_, before);
  EXPECT_EQ(card_.driver(0), "igbvf");
  EXPECT_TRUE(records().functions().empty());
}

TEST_F(SriovTest, TheSameNumberChangesNothing) {
  set_vf_count(pf(), 2, false, host());
  card_.table_[0].vlan = 5;
  EXPECT_FALSE(set_vf_count(pf(), 2, false, host()));
  EXPECT_EQ(card_.table_[0].vlan, 5u);
  EXPECT_EQ(card_.driver(0), "");
}

TEST_F(SriovTest, TheSameNumberWithProbingGivesThoseWithoutADriverTheHosts) {
  EXPECT_TRUE(set_vf_count(pf(), 4, false, host()));
  bind({vf(1)}, false, host());
  for (unsigned index = 0; index < 4; ++index) sysfs_.set(test::FakePf::vf(index), "own_driver", "igbvf");
  sysfs_.set(test::FakePf::kPf, "sriov_drivers_autoprobe", "0\n");
  {
    const Lock lock = Lock::take(vf(2), host());
    EXPECT_FALSE(set_vf_count(pf(), 4, true, host()));
  }
  EXPECT_EQ(card_.driver(0), "igbvf");
  EXPECT_EQ(card_.driver(1), "vfio-pci");
  EXPECT_EQ(card_.driver(2), "") << "somebody has it";
  EXPECT_EQ(card_.driver(3), "igbvf");
  EXPECT_EQ(card_.attribute("sriov_drivers_autoprobe"), "0");
  EXPECT_EQ(records().functions(), std::vector{vf(1)});
}

TEST_F(SriovTest, WhatCannotBeIsSaid) {
  EXPECT_EQ(error(8), "0000:03:00.0 cannot have 8 VFs; it has at most 7");
  card_.refuses_vfs_ = true;
  EXPECT_EQ(error(1), "the driver igb of 0000:03:00.0 makes no VFs; bind the PF to a driver that does");
  EXPECT_EQ(card_.attribute("sriov_drivers_autoprobe"), "1");
  std::filesystem::remove(sysfs_.root() / "devices/pci0000:00" / test::FakePf::kPf / "driver");
  EXPECT_THAT(error(1), HasSubstr("0000:03:00.0 has no driver, which VFs need"));
  std::filesystem::remove(sysfs_.root() / "devices/pci0000:00" / test::FakePf::kPf / "sriov_totalvfs");
  EXPECT_THAT(error(1), HasSubstr("0000:03:00.0 has no SR-IOV"));
}

TEST_F(SriovTest, WhereTheNumberIsRefusedTheFormerVfsComeBack) {
  set_vf_count(pf(), 3, true, host());
  card_.table_[1].vlan = 5;
  bind({vf(2)}, false, host());
  const auto before = card_.table_;
  card_.refused_numbers_ = {5};
  EXPECT_THAT(error(5), testing::StartsWith("writing sriov_numvfs: Cannot allocate memory"));
  EXPECT_EQ(card_.table_, before);
  EXPECT_EQ(card_.driver(0), "igbvf");
  EXPECT_EQ(card_.driver(2), "vfio-pci");
  EXPECT_EQ(card_.attribute("sriov_drivers_autoprobe"), "1");
  release({vf(2)}, host());
  EXPECT_EQ(card_.driver(2), "igbvf");
  EXPECT_TRUE(records().functions().empty());
}

TEST_F(SriovTest, AVfThatSomebodyHasKeepsTheNumber) {
  set_vf_count(pf(), 3, false, host());
  const Lock lock = Lock::take(vf(1), host());
  EXPECT_EQ(error(0),
            fmt::format("the number of VFs of 0000:03:00.0 cannot be changed while one is in use: 0000:03:10.1 by strait, process {}; "
                        "end that use first",
                        ::getpid()));
  EXPECT_EQ(card_.table_.size(), 3u);
}

TEST_F(SriovTest, AVfThatAProcessHasOpenKeepsTheNumber) {
  set_vf_count(pf(), 3, false, host());
  bind({vf(2)}, false, host());
  card_.open_groups_ = {33};
  EXPECT_THAT(error(0), HasSubstr("in use: 0000:03:10.2 by a process that has /dev/vfio/33 open; end that use first"));
  card_.open_groups_.clear();
  set_vf_count(pf(), 0, false, host());
  EXPECT_TRUE(records().functions().empty()) << "a VF that is gone is given back to nobody";
}

/// An interface that only another network namespace sees is somebody's, too: whether sysfs is this namespace's or that of another.
TEST_F(SriovTest, AVfWhoseInterfaceIsInUseKeepsTheNumber) {
  set_vf_count(pf(), 1, true, host());
  sysfs_.add_interface(test::FakePf::vf(0), "fake_lan9");
  EXPECT_THAT(error(0), HasSubstr("0000:03:10.0 as fake_lan9 of another network namespace"));
  sysfs_.move_interfaces_away(test::FakePf::vf(0));
  EXPECT_THAT(error(0), HasSubstr("0000:03:10.0 by the host: its network interface is in another network namespace, such as a container's; end that use first"));
  EXPECT_EQ(card_.table_.size(), 1u);
}

TEST_F(SriovTest, KilledAnywhereItLeavesAutoprobeToTheNextThatComes) {
  int n = 1;
  while (test::killed_at(n, [&] { set_vf_count(pf(), 0, false, host()); set_vf_count(pf(), 2, false, host()); })) {
    release_stale(host(), [](const std::string& line) { ADD_FAILURE() << line; });
    EXPECT_EQ(card_.attribute("sriov_drivers_autoprobe"), "1") << n;
    EXPECT_TRUE(records().functions().empty()) << n;
    // The fake's own memory is not the killed process's: its files are put back by a new one.
    for (unsigned index = 0; index < 2; ++index) {
      std::filesystem::remove(sysfs_.root() / "devices/pci0000:00" / test::FakePf::kPf / fmt::format("virtfn{}", index));
      std::filesystem::remove(sysfs_.root() / "bus/pci/devices" / test::FakePf::vf(index));
      std::filesystem::remove_all(sysfs_.root() / "devices/pci0000:00" / test::FakePf::vf(index));
      std::filesystem::remove_all(sysfs_.root() / "kernel/iommu_groups" / std::to_string(31 + index));
    }
    ++n;
  }
  EXPECT_GT(n, 5);
}

}  // namespace
}  // namespace strait::binding
