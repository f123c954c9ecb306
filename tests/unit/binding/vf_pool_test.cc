#include "binding/vf_pool.h"

#include "binding/bind.h"
#include "binding/sriov.h"
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
