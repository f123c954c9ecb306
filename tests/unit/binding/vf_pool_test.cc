#include "binding/vf_pool.h"

#include "binding/bind.h"
#include "binding/sriov.h"
#include "binding/vf_undo.h"
#include "tests/unit/binding/killed.h"
#include "tests/unit/binding/pf_test.h"

namespace strait::binding {
namespace {

using test::error_of;
using testing::HasSubstr;

class VfPoolTest : public PfTest {
 protected:
  VfPoolTest() {
    wanted_.mac = host::MacAddress{2, 0, 0, 0, 0, 1};
    wanted_.vlan = 5;
  }
  void have_vfs(unsigned count, bool probe = false) {
    set_vf_count(pf(), count, probe, host());
    before_ = card_.table_;
  }
  Lease take(std::optional<unsigned> index = {}, std::vector<host::Bdf> others = {}) {
    return take_vf(pf(), index, wanted_, others, host());
  }
  std::string error(std::optional<unsigned> index = {}) {
    return error_of([&] { take(index); });
  }

  /// A run that was killed when it had VF `index`.
  void leave_a_killed_run(unsigned index) { take(index).keep(); }
  std::vector<std::string> stale() {
    std::vector<std::string> complaints;
    release_stale(host(), [&](const std::string& line) { complaints.push_back(line); });
    return complaints;
  }

  host::VfSettings wanted_;
  host::VfTable before_;
};

TEST_F(VfPoolTest, AVfIsSetAndBoundAndGivenBackAsItWas) {
  have_vfs(2, true);
  {
    const Lease lease = take();
    EXPECT_EQ(lease.function(), vf(0));
    EXPECT_EQ(card_.driver(0), "vfio-pci");
    EXPECT_EQ(card_.table_[0].mac, wanted_.mac);
    EXPECT_EQ(card_.table_[0].vlan, 5u);
    EXPECT_EQ(card_.table_[0].spoofchk, true);
  }
  EXPECT_EQ(card_.driver(0), "igbvf");
  EXPECT_EQ(card_.table_, before_);
  EXPECT_TRUE(records().functions().empty());
}

TEST_F(VfPoolTest, WhatAGuestsDriverChangedIsSetBackToo) {
  have_vfs(1);
  wanted_ = {};
  {
    const Lease lease = take();
    card_.table_[0].mac = host::MacAddress{2, 9, 9, 9, 9, 9};
  }
  EXPECT_EQ(card_.table_, before_);
}

TEST_F(VfPoolTest, EachTakesItsOwnUntilThereIsNone) {
  have_vfs(2);
  const Lease first = take(), second = take();
  EXPECT_EQ(first.function(), vf(0));
  EXPECT_EQ(second.function(), vf(1));
  EXPECT_EQ(
      error(),
      fmt::format("no VF of 0000:03:00.0 is free: 0000:03:10.0 is in use by another strait, process {0}; 0000:03:10.1 is in use by another "
                  "strait, process {0}; end what uses one, or have more: strait vf remove 0000:03:00.0, then strait vf create "
                  "0000:03:00.0 N",
                  ::getpid()));
}

TEST_F(VfPoolTest, OneThatAnotherProgramHasOpenIsNotFree) {
  have_vfs(2);
  bind({vf(0)}, false, host());
  card_.open_groups_ = {31};
  EXPECT_EQ(take().function(), vf(1));
}

/// Who knows what it has set for its guest?
TEST_F(VfPoolTest, NothingIsNotedNorChangedOfOneThatAnotherProgramHasOpen) {
  have_vfs(1);
  bind({vf(0)}, false, host());
  card_.open_groups_ = {31};
  EXPECT_FALSE(test::killed_at(1, [&] { error(); })) << "a change, or a record";
  EXPECT_THAT(error(), HasSubstr("0000:03:10.0 is in use by a process that has /dev/vfio/31 open"));
}

TEST_F(VfPoolTest, WhatAKilledRunSetStaysWhileAnotherProgramHasTheVfOpen) {
  have_vfs(1);
  bind({vf(0)}, false, host());
  leave_a_killed_run(0);
  card_.table_[0].spoofchk = false;
  const auto now = card_.table_;
  card_.open_groups_ = {31};
  EXPECT_THAT(stale(), testing::ElementsAre("0000:03:10.0 is in use: a process has /dev/vfio/31 open; end that one first"));
  EXPECT_EQ(card_.table_, now);
  card_.open_groups_.clear();
  EXPECT_THAT(stale(), testing::IsEmpty());
  before_[0].spoofchk = false;
  EXPECT_EQ(card_.table_, before_) << "but for what others have set";
}

TEST_F(VfPoolTest, WhatIsSetAfterAKilledRunStays) {
  have_vfs(1);
  leave_a_killed_run(0);
  set_vf(pf(), 0, {.vlan = 20}, host());
  before_[0].vlan = 20;
  EXPECT_EQ(card_.table_, before_);
  EXPECT_THAT(stale(), testing::IsEmpty());
  EXPECT_EQ(card_.table_, before_);
}

TEST_F(VfPoolTest, OneSettingThatIsRefusedDoesNotKeepTheRestFromComing) {
  have_vfs(1, true);
  leave_a_killed_run(0);
  card_.refused_ = "vlan";
  EXPECT_THAT(stale(), testing::ElementsAre(testing::StartsWith(
                           "setting vlan=0 for VF 0 of eth0: Operation not supported; then 'strait release 0000:03:10.0' tries again; ")));
  EXPECT_EQ(card_.driver(0), "igbvf");
  EXPECT_EQ(card_.table_[0].mac, before_[0].mac);
  card_.refused_.clear();
  EXPECT_THAT(stale(), testing::IsEmpty());
  EXPECT_EQ(card_.table_, before_);
}

/// By the trust that it had one sees that the guest may have changed the address.
TEST_F(VfPoolTest, TrustIsTakenBackOnceTheMacAddressIs) {
  have_vfs(1);
  before_[0].trust = card_.table_[0].trust = false;
  wanted_.trust = true;
  leave_a_killed_run(0);
  card_.table_[0].mac = host::MacAddress{2, 9, 9, 9, 9, 9};
  card_.refused_ = "mac";
  EXPECT_EQ(stale().size(), 1u);
  EXPECT_EQ(card_.table_[0].trust, true);
  card_.refused_.clear();
  EXPECT_THAT(stale(), testing::IsEmpty());
  EXPECT_EQ(card_.table_, before_);
}

TEST_F(VfPoolTest, TheHostChoseAnAddressThatIsItsInterfacesOwn) {
  have_vfs(1, true);
  const auto chose = [&](const char* kind, const char* address) {
    sysfs_.set(test::FakePf::vf(0), "net/eth7/addr_assign_type", std::string(kind) + "\n");
    sysfs_.set(test::FakePf::vf(0), "net/eth7/address", std::string(address) + "\n");
    return host_chose_mac(vf(0), {2, 1, 2, 3, 4, 5}, sysfs_.root());
  };
  EXPECT_TRUE(chose("1", "02:01:02:03:04:05"));
  EXPECT_TRUE(chose("3", "02:01:02:03:04:05"));
  EXPECT_FALSE(chose("0", "02:01:02:03:04:05")) << "the PF's";
  EXPECT_FALSE(chose("1", "02:01:02:03:04:06")) << "not what the PF knows";
}

/// Set at the PF, the VF's driver on the host might not change it any more.
TEST_F(VfPoolTest, AMacAddressThatTheVfChoseIsSetBackByTheVf) {
  have_vfs(1, true);
  const host::MacAddress chosen = {2, 1, 2, 3, 4, 5};
  const auto take_with = [&](const char* addr_assign_type) {
    sysfs_.set(test::FakePf::vf(0), "net/eth7/config", R"({"mac":[2,1,2,3,4,5],"name":"eth7"})");
    sysfs_.set(test::FakePf::vf(0), "net/eth7/addr_assign_type", addr_assign_type);
    card_.table_[0].mac = chosen;
    take_function(vf(0), wanted_, host()).keep();
    card_.changes_.clear();
    EXPECT_THAT(stale(), testing::IsEmpty());
    EXPECT_EQ(card_.table_[0].mac, chosen);
  };
  card_.vf_with_interface_ = 0;
  take_with("3\n");
  EXPECT_THAT(card_.changes_, testing::Contains("mac=00:00:00:00:00:00"));
  EXPECT_THAT(card_.changes_, testing::Not(testing::Contains("mac=02:01:02:03:04:05")));
  take_with("0\n");
  EXPECT_THAT(card_.changes_, testing::Contains("mac=02:01:02:03:04:05")) << "the PF's administrator chose";
  card_.vf_with_interface_.reset();
  take_with("1\n");
  EXPECT_THAT(card_.changes_, testing::Contains("mac=02:01:02:03:04:05")) << "the PF does not follow";
}

TEST_F(VfPoolTest, WhatWouldFailWithAnyVfIsNoLackOfVfs) {
  have_vfs(2);
  std::filesystem::remove(sysfs_.root() / "bus/pci/drivers/vfio-pci");
  card_.missing_modules_ = {"vfio-pci"};
  EXPECT_EQ(error(), "the module vfio-pci cannot be loaded");
  card_.missing_modules_.clear();
  std::filesystem::remove_all(place_.path() / "state/records");
  place_.write("state/records", "no directory");
  EXPECT_THAT(error(), testing::StartsWith("making the record"));
}

TEST_F(VfPoolTest, OneThatTheRunNamesItselfIsNotFree) {
  have_vfs(2);
  EXPECT_EQ(take({}, {vf(0)}).function(), vf(1));
}

TEST_F(VfPoolTest, OneCanBeNamedByItsNumber) {
  have_vfs(3);
  EXPECT_EQ(take(2).function(), vf(2));
  EXPECT_EQ(error(3), "0000:03:00.0 has no VF 3: there are 3, from 0 on; strait vf list 0000:03:00.0 shows them");
}

TEST_F(VfPoolTest, WithoutVfsItSaysHowToMakeThem) {
  EXPECT_EQ(error(), "0000:03:00.0 has no VFs; make some: strait vf create 0000:03:00.0 N");
  std::filesystem::remove(sysfs_.root() / "devices/pci0000:00" / test::FakePf::kPf / "sriov_totalvfs");
  EXPECT_THAT(error(), HasSubstr("0000:03:00.0 has no SR-IOV, and so no VFs"));
}

TEST_F(VfPoolTest, ASettingThatIsRefusedUndoesTheRest) {
  have_vfs(2, true);
  card_.refused_ = "vlan";
  EXPECT_EQ(error(), "setting vlan=5 for VF 0 of eth0: Operation not supported") << "no other VF would take it either";
  card_.refused_.clear();
  EXPECT_EQ(card_.table_, before_);
  EXPECT_EQ(card_.driver(0), "igbvf");
  EXPECT_TRUE(records().functions().empty());
}

TEST_F(VfPoolTest, OnlyAVfHasSettings) {
  EXPECT_EQ(
      error_of([&] { take_function(pf(), wanted_, host()); }),
      "0000:03:00.0 is no VF: nobody enforces settings on it; leave mac= and its kind out, or name a VF, as strait vf list shows them");
}

TEST_F(VfPoolTest, AVfThatStraitBindGaveStaysWithVfio) {
  have_vfs(1, true);
  bind({vf(0)}, false, host());
  take().release();
  EXPECT_EQ(card_.driver(0), "vfio-pci");
  EXPECT_EQ(card_.table_, before_);
  release({vf(0)}, host());
  EXPECT_EQ(card_.driver(0), "igbvf");
}

}  // namespace
}  // namespace strait::binding
