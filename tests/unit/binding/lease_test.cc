#include "binding/lease.h"

#include "base/log.h"
#include "tests/unit/binding/binding_test.h"

namespace strait::binding {
namespace {

using test::error_of;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;


class LeaseTest : public BindingTest {
 protected:
  void bind_for_good() { bind({function()}, false, host()); }
  void release_it() { release({function()}, host()); }
  /// The host's administrator takes the function from vfio-pci by hand, and gives it to its driver.
  void rebind_by_hand(const std::string& config) {
    namespace fs = std::filesystem;
    const fs::path device = sysfs_.root() / "devices/pci0000:00" / kBdf;
    fs::remove(device / "driver");
    sysfs_.set(kBdf, "driver_override", "(null)\n");
    sysfs_.link(kBdf, "driver", sysfs_.root() / "bus/pci/drivers/igbvf");
    sysfs_.set(kBdf, "net/fake_lan0/config", config);
  }
  /// A run that is killed when it has the function.
  void leave_a_killed_run() {
    for (int n = 1;; ++n) {
      ASSERT_TRUE(test::killed_at(n, [&] {
        Lease lease(function(), Owner::kRun, host());
        lease.remember_driver();
        lease.bind();
        for (;;) fault_point();
      }));
      if (kernel_.state() == bound_) return;
      stale();
    }
  }
};

TEST_F(LeaseTest, ARunBindsAndGivesBackWhatItTook) {
  {
    Lease lease(function(), Owner::kRun, host());
    EXPECT_EQ(kernel_.state(), before_);
    lease.remember_driver();
    lease.bind();
    EXPECT_EQ(kernel_.state(), bound_);
    EXPECT_TRUE(records().load(function(), Owner::kRun));
  }
  EXPECT_EQ(kernel_.state(), before_);
  EXPECT_TRUE(records().functions().empty());
}

TEST_F(LeaseTest, NobodyElseTakesWhatARunHas) {
  const Lease lease(function(), Owner::kRun, host());
  EXPECT_FALSE(Lock::try_take(function(), host().run));
  EXPECT_TRUE(lock_holder(function(), host().run).somebody());
}

TEST_F(LeaseTest, ReleasingIsDoneOnce) {
  Lease lease(function(), Owner::kRun, host());
  lease.remember_driver();
  lease.bind();
  lease.release();
  EXPECT_EQ(lease.function(), function());
  bind_for_good();
  lease.release();
  EXPECT_EQ(kernel_.state(), bound_);
}

TEST_F(LeaseTest, WhatACommandBindsStaysUntilItIsReleased) {
  bind_for_good();
  EXPECT_EQ(kernel_.state(), bound_);
  bind_for_good();
  stale();
  EXPECT_EQ(kernel_.state(), bound_);
  EXPECT_EQ(taken(host()), std::vector{function()});
  release_it();
  EXPECT_EQ(kernel_.state(), before_);
  EXPECT_THAT(error_of([&] { release_it(); }), StartsWith("strait has not taken 0000:01:10.0; "));
}

TEST_F(LeaseTest, WhatIsTakenIsKnownByTheNamesOfItsInterface) {
  kernel_.add_card("0000:02:10.0", 13, "fake_lan1");
  sysfs_.set("0000:02:10.0", "net/fake_lan1/config", R"({"altnames":["fake_uplink"],"name":"fake_lan1"})");
  bind({function(), host::Bdf::parse("02:10.0")}, false, host());
  place_.write("state/records/0000:00:01.0.json", "damaged");
  EXPECT_EQ(taken_with_interface("fake_lan0", host()), std::vector{function()});
  EXPECT_EQ(taken_with_interface("fake_uplink", host()), std::vector{host::Bdf::parse("02:10.0")});
  EXPECT_TRUE(taken_with_interface("fake_lan", host()).empty());
}

TEST_F(LeaseTest, ARunOnWhatACommandHasBoundLeavesItBound) {
  bind_for_good();
  {
    Lease lease(function(), Owner::kRun, host());
    lease.remember_driver();
    lease.bind();
  }
  EXPECT_EQ(kernel_.state(), bound_);
  release_it();
  EXPECT_EQ(kernel_.state(), before_);
}

TEST_F(LeaseTest, AFunctionWithoutADriverHasNoneAfterwards) {
  kernel_.add("0000:01:10.2", "", 14);
  const auto other = host::Bdf::parse("01:10.2");
  const std::string before = kernel_.state("0000:01:10.2");
  bind({other}, false, host());
  EXPECT_EQ(kernel_.driver("0000:01:10.2"), "vfio-pci");
  release({other}, host());
  EXPECT_EQ(kernel_.state("0000:01:10.2"), before);
}

/// The kernel probes no driver for a VF then but the one that driver_override names.
TEST_F(LeaseTest, AVfGetsItsDriverBackThoughAutoprobeIsOff) {
  kernel_.add("0000:01:00.0", "igb", 11);
  sysfs_.set("0000:01:00.0", "sriov_drivers_autoprobe", "0\n");
  sysfs_.make_vf("0000:01:00.0", 0, kBdf);
  bind_for_good();
  release_it();
  EXPECT_EQ(kernel_.state(), before_);
}

TEST_F(LeaseTest, ModulesAreLoadedWhereTheyAreMissing) {
  std::filesystem::remove(sysfs_.root() / "bus/pci/drivers/vfio-pci");
  bind_for_good();
  EXPECT_EQ(kernel_.state(), bound_);
  std::filesystem::remove(sysfs_.root() / "bus/pci/drivers/igbvf");
  release_it();
  EXPECT_EQ(kernel_.state(), before_);
}

TEST_F(LeaseTest, WithoutVfioPciNothingIsChanged) {
  std::filesystem::remove(sysfs_.root() / "bus/pci/drivers/vfio-pci");
  kernel_.missing_modules_ = {"vfio-pci"};
  EXPECT_EQ(error_of([&] { bind_for_good(); }), "the module vfio-pci cannot be loaded");
  EXPECT_EQ(kernel_.state(), before_);
  EXPECT_TRUE(records().functions().empty());
}

TEST_F(LeaseTest, WhatVfioPciDoesNotTakeGoesBack) {
  kernel_.broken_drivers_ = {"vfio-pci"};
  EXPECT_THAT(error_of([&] { bind_for_good(); }), StartsWith("vfio-pci does not take 0000:01:10.0; "));
  EXPECT_EQ(kernel_.state(), before_);
  EXPECT_TRUE(records().functions().empty());
}

TEST_F(LeaseTest, WhatCannotBeBoundNorGoBackHasItsRealReason) {
  kernel_.broken_drivers_ = {"vfio-pci", "igbvf"};
  log::set_level(log::Level::kOff);
  EXPECT_THAT(error_of([&] { bind_for_good(); }), StartsWith("vfio-pci does not take 0000:01:10.0; "));
  log::set_level(log::Level::kWarning);
  kernel_.broken_drivers_.clear();
  stale();
  EXPECT_EQ(kernel_.state(), before_);
}

TEST_F(LeaseTest, AllAreBoundOrNone) {
  kernel_.add("0000:01:10.2", "igbvf", -1);
  EXPECT_THAT(error_of([&] {
                bind({function(), host::Bdf::parse("01:10.2")}, false, host());
              }),
              StartsWith("no IOMMU translates for 0000:01:10.2"));
  EXPECT_EQ(kernel_.state(), before_);
  EXPECT_TRUE(records().functions().empty());
}

TEST_F(LeaseTest, AllAreBoundOrNoneWhereverTheyAreKilled) {
  const char* const kOther = "0000:01:10.2";
  kernel_.add(kOther, "igbvf", 14);
  const std::vector both = {function(), host::Bdf::parse(kOther)};
  int bound = 0;
  for (int n = 1; test::killed_at(n, [&] { binding::bind(both, false, host()); }); ++n) {
    stale();
    EXPECT_EQ(kernel_.driver(), kernel_.driver(kOther)) << "killed at " << n;
    if (kernel_.driver() != "vfio-pci") continue;
    ++bound;
    release(both, host());
  }
  EXPECT_EQ(bound, 2) << "the second was still to be noted as complete";
}

/// Two binds that both begin with one function are not each other's.
TEST_F(LeaseTest, AnotherBindCompletesNoneThatWasKilled) {
  const char* const kOther = "0000:01:10.2";
  kernel_.add(kOther, "igbvf", 14);
  const std::vector both = {function(), host::Bdf::parse(kOther)};
  int bound = 0;
  for (int n = 1; test::killed_at(n, [&] { binding::bind(both, false, host()); }); ++n) {
    const auto first = records().load(function(), Owner::kCommand);
    const bool done = first && first->complete;
    bind_for_good();
    stale();
    EXPECT_EQ(kernel_.driver(), "vfio-pci");
    EXPECT_EQ(kernel_.driver(kOther), done ? "vfio-pci" : "igbvf") << "killed at " << n;
    bound += done;
    release(done ? both : std::vector{function()}, host());
  }
  EXPECT_EQ(bound, 2);
}

TEST_F(LeaseTest, WhatABindOfSeveralBoundStaysWhenTheFirstIsReleasedWhereverItWasKilled) {
  const char* const kOther = "0000:01:10.2";
  kernel_.add(kOther, "igbvf", 14);
  const std::vector both = {function(), host::Bdf::parse(kOther)};
  int bound = 0;
  for (int n = 1; test::killed_at(n, [&] { binding::bind(both, false, host()); }); ++n) {
    if (const auto first = records().load(function(), Owner::kCommand); !first || !first->complete) {
      stale();
      continue;
    }
    release_it();
    stale();
    EXPECT_EQ(kernel_.state(), before_);
    EXPECT_EQ(kernel_.driver(kOther), "vfio-pci") << "killed at " << n;
    ++bound;
    release({host::Bdf::parse(kOther)}, host());
  }
  EXPECT_EQ(bound, 2);
}

/// A disk that is full when all is bound but not noted as complete: nothing stays bound.
TEST_F(LeaseTest, WhatCannotBeNotedIsUndone) {
  const char* const kOther = "0000:01:10.2";
  kernel_.add(kOther, "igbvf", 14);
  {
    Lease first(function(), Owner::kCommand, host()), second(host::Bdf::parse(kOther), Owner::kCommand, host());
    for (Lease* lease : {&first, &second}) {
      lease->remember_driver(Batch{function(), "1"});
      lease->bind();
    }
    first.complete();
    for (const std::string name : {kBdf, kOther}) {
      std::filesystem::create_symlink("/dev/full", host().state / "records" / (name + ".json.next"));
    }
    EXPECT_THAT(error_of([&] { second.complete(); }), HasSubstr("No space left on device"));
  }
  EXPECT_EQ(kernel_.state(), before_);
  EXPECT_EQ(kernel_.driver(kOther), "igbvf");
  EXPECT_TRUE(records().functions().empty());
}

/// Like a second interface of a radio, which somebody made and no driver makes again.
TEST_F(LeaseTest, AnInterfaceThatDoesNotComeBackKeepsNoOtherFromIt) {
  sysfs_.set(kBdf, "net/fake_lan/config", R"({"mtu":1400,"name":"fake_lan"})");
  sysfs_.set(kBdf, "net/fake_lan/dev_port", "0\n");
  Lease lease(function(), Owner::kRun, host());
  lease.remember_driver();
  lease.bind();
  kernel_.made_ = {{"fake_lan0", ""}};
  log::set_level(log::Level::kOff);
  lease.release();
  log::set_level(log::Level::kWarning);
  EXPECT_EQ(kernel_.state(), before_);
  EXPECT_TRUE(records().functions().empty());
}

TEST_F(LeaseTest, AHostDriverThatDoesNotTakeItBackIsAnErrorAndTheRecordStays) {
  bind_for_good();
  kernel_.broken_drivers_ = {"igbvf"};
  EXPECT_THAT(error_of([&] { release_it(); }),
              AllOf(StartsWith("0000:01:10.0 was bound to igbvf, which does not take it back; "),
                    HasSubstr("; then 'strait release 0000:01:10.0' tries again; to leave it as it is, remove /")));
  kernel_.broken_drivers_.clear();
  release_it();
  EXPECT_EQ(kernel_.state(), before_);
}

TEST_F(LeaseTest, WhatAProcessHasOpenIsNotGivenBack) {
  bind_for_good();
  kernel_.open_groups_ = {12};
  EXPECT_EQ(error_of([&] { release_it(); }), "0000:01:10.0 is in use: a process has /dev/vfio/12 open; end that one first");
  EXPECT_EQ(kernel_.state(), bound_);
  kernel_.open_groups_.clear();
  release_it();
  EXPECT_EQ(kernel_.state(), before_);
}

TEST_F(LeaseTest, AnOverrideThatSomebodyElseHasSetSinceStays) {
  bind_for_good();
  sysfs_.set(kBdf, "driver_override", "pci-stub\n");
  log::set_level(log::Level::kOff);
  release_it();
  log::set_level(log::Level::kWarning);
  EXPECT_EQ(kernel_.state(), "driver vfio-pci, override pci-stub");
}

TEST_F(LeaseTest, AnOverrideOfSomebodyElseIsForcedAndComesBack) {
  sysfs_.set(kBdf, "driver_override", "igbvf\n");
  const std::string before = kernel_.state();
  EXPECT_THAT(error_of([&] { bind_for_good(); }), HasSubstr("somebody else has set its driver_override to igbvf"));
  bind({function()}, true, host());
  EXPECT_EQ(kernel_.state(), bound_);
  release_it();
  EXPECT_EQ(kernel_.state(), before);
}

TEST_F(LeaseTest, ADriverThatSomebodyElseHasBoundSinceStays) {
  bind_for_good();
  kernel_.have_driver("pci-stub");
  std::filesystem::remove(sysfs_.root() / "devices/pci0000:00" / kBdf / "driver");
  sysfs_.link(kBdf, "driver", sysfs_.root() / "bus/pci/drivers/pci-stub");
  log::set_level(log::Level::kOff);
  release_it();
  log::set_level(log::Level::kWarning);
  EXPECT_EQ(kernel_.state(), "driver pci-stub, override (null)");
}

/// The record of old is no reason to bring the configuration of old back.
TEST_F(LeaseTest, AnInterfaceThatItsAdministratorTookBackByHandIsNotTouched) {
  const std::string now = R"({"mtu":1280,"name":"fake_lan0"})";
  bind_for_good();
  rebind_by_hand(now);
  const std::string state = kernel_.state();
  stale();
  EXPECT_EQ(kernel_.state(), state);
  release_it();
  EXPECT_EQ(kernel_.state(), state);
  leave_a_killed_run();
  rebind_by_hand(now);
  stale();
  EXPECT_EQ(kernel_.state(), state);
  EXPECT_TRUE(records().functions().empty());
}

TEST_F(LeaseTest, AVfThatWasMadeAnewIsAnother) {
  bind_for_good();
  make_anew();
  log::set_level(log::Level::kOff);
  stale();
  log::set_level(log::Level::kWarning);
  EXPECT_EQ(kernel_.state(), bound_);
  EXPECT_TRUE(records().functions().empty());
}

TEST_F(LeaseTest, AnotherCardInItsPlaceIsNotTouched) {
  bind_for_good();
  sysfs_.set(kBdf, "device", "0x1521\n");
  log::set_level(log::Level::kOff);
  release_it();
  EXPECT_EQ(kernel_.state(), bound_);
  EXPECT_TRUE(records().functions().empty());
  log::set_level(log::Level::kWarning);
}

TEST_F(LeaseTest, TheRecordOfAFunctionThatIsGoneGoesToo) {
  bind_for_good();
  std::filesystem::remove(sysfs_.root() / "bus/pci/devices" / kBdf);
  log::set_level(log::Level::kOff);
  stale();
  log::set_level(log::Level::kWarning);
  EXPECT_TRUE(records().functions().empty());
}

TEST_F(LeaseTest, AttributesComeBackUnlessSomebodyElseChangedThem) {
  for (const char* name : {"one", "two", "three"}) sysfs_.set(kBdf, name, "1\n");
  const auto path = [&](const std::string& name) { return "bus/pci/devices/" + std::string(kBdf) + "/" + name; };
  Lease lease(function(), Owner::kRun, host());
  for (const char* name : {"one", "two"}) {
    lease.remember_attribute(path(name), "0");
    kernel_.write_attribute(path(name), "0");
  }
  lease.remember_attribute(path("three"), "1");
  EXPECT_EQ(records().load(function(), Owner::kRun)->attributes.size(), 2u);
  kernel_.write_attribute(path("two"), "7");
  lease.release();
  EXPECT_EQ(read_text_file(sysfs_.root() / path("one")), "1");
  EXPECT_EQ(read_text_file(sysfs_.root() / path("two")), "7");
}

TEST_F(LeaseTest, TheInterfaceOfAPortGetsTheConfigurationOfThatPort) {
  Lease lease(function(), Owner::kRun, host());
  lease.remember_driver();
  lease.bind();
  lease.release();
  EXPECT_THAT(kernel_.state(), HasSubstr("fake_lan0 {\"mtu\":9000"));
}

/// Each of USB's has port 0.
TEST_F(LeaseTest, TheInterfacesOfSeveralDevicesGetTheConfigurationsOfTheirs) {
  const std::string left = "../../usb1/1-1", right = "../../usb1/1-2";
  const auto device_of = [&](const std::string& name) {
    return std::filesystem::read_symlink(sysfs_.root() / "devices/pci0000:00" / kBdf / "net" / name / "device").string();
  };
  sysfs_.set(kBdf, "usb1/1-1/speed", "480\n");
  sysfs_.set(kBdf, "usb1/1-2/speed", "480\n");
  sysfs_.link(kBdf, "net/fake_lan0/device", left);
  sysfs_.set(kBdf, "net/fake_lan1/config", R"({"mtu":1400,"name":"fake_lan1"})");
  sysfs_.set(kBdf, "net/fake_lan1/dev_port", "0\n");
  sysfs_.link(kBdf, "net/fake_lan1/device", right);
  const std::string before = kernel_.state();
  Lease lease(function(), Owner::kRun, host());
  lease.remember_driver();
  lease.bind();
  kernel_.made_ = {{"eth7", right}, {"eth8", left}};
  lease.release();
  EXPECT_EQ(kernel_.state(), before);
  EXPECT_EQ(device_of("fake_lan0"), left);
  EXPECT_EQ(device_of("fake_lan1"), right);
}

TEST_F(LeaseTest, AKilledRunIsUndoneByReleaseStale) {
  leave_a_killed_run();
  stale();
  EXPECT_EQ(kernel_.state(), before_);
  EXPECT_TRUE(records().functions().empty());
}

TEST_F(LeaseTest, AKilledRunIsUndoneByWhoeverTakesTheFunctionNext) {
  leave_a_killed_run();
  const Lease lease(function(), Owner::kRun, host());
  EXPECT_EQ(kernel_.state(), before_);
}

TEST_F(LeaseTest, ABindKilledBetweenAnyTwoStepsIsDoneOrUndone) {
  int n = 1;
  for (; test::killed_at(n, [&] { bind_for_good(); }); ++n) {
    stale();
    EXPECT_EQ(kernel_.state(), before_) << "killed at " << n;
    EXPECT_TRUE(records().functions().empty()) << "killed at " << n;
  }
  EXPECT_EQ(n, 8);  // The record twice, driver_override, unbind, probe, the record twice.
  EXPECT_EQ(kernel_.state(), bound_);
}

TEST_F(LeaseTest, AReleaseKilledBetweenAnyTwoStepsIsDoneByTheNext) {
  bind_for_good();
  int n = 1;
  for (; test::killed_at(n, [&] { release_it(); }); ++n) {
    if (records().functions().empty()) break;
    release_it();
    EXPECT_EQ(kernel_.state(), before_) << "killed at " << n;
    bind_for_good();
  }
  EXPECT_EQ(n, 10);  // The record twice, override, unbind, probe, the interface twice, override, the record.
  EXPECT_EQ(kernel_.state(), before_);
}

TEST_F(LeaseTest, AReleaseThatStoppedHalfWayIsStale) {
  bind_for_good();
  for (int n = 3; test::killed_at(n, [&] { release_it(); }); ++n) {
    stale();
    EXPECT_EQ(kernel_.state(), before_) << "killed at " << n;
    bind_for_good();
  }
}

TEST_F(LeaseTest, AReleaseOfAFunctionWithoutADriverThatStoppedHalfWayIsStale) {
  const char* const kOther = "0000:01:10.2";
  kernel_.add(kOther, "", 14);
  const std::string before = kernel_.state(kOther);
  const std::vector other = {host::Bdf::parse(kOther)};
  binding::bind(other, false, host());
  for (int n = 3; test::killed_at(n, [&] { release(other, host()); }); ++n) {
    stale();
    EXPECT_EQ(kernel_.state(kOther), before) << "killed at " << n;
    binding::bind(other, false, host());
  }
}

TEST_F(LeaseTest, UndoingKilledAgainAndAgainComesToItsEnd) {
  leave_a_killed_run();
  // Each of them gets one step further than the one before.
  for (int n = 1; test::killed_at(n, [&] { stale(); }); ++n) {
  }
  EXPECT_EQ(kernel_.state(), before_);
  EXPECT_TRUE(records().functions().empty());
}

TEST_F(LeaseTest, WhatCannotBePutRightDoesNotKeepTheOthersFromIt) {
  kernel_.add("0000:02:10.0", "igbvf", 13);
  leave_a_killed_run();
  place_.write("state/records/0000:00:01.0.run.json", "damaged");
  std::vector<std::string> complaints;
  EXPECT_EQ(release_stale(host(), [&](const std::string& line) { complaints.push_back(line); }), std::vector{function()});
  EXPECT_THAT(complaints, testing::ElementsAre(HasSubstr("0000:00:01.0.run.json is damaged")));
  EXPECT_EQ(kernel_.state(), before_);
}

TEST_F(LeaseTest, ARecordThatLacksSomethingIsDamaged) {
  leave_a_killed_run();
  Record record = *records().load(function(), Owner::kRun);
  record.interfaces[0].erase("dev_port");
  records().save(record);
  std::vector<std::string> complaints;
  release_stale(host(), [&](const std::string& line) { complaints.push_back(line); });
  EXPECT_THAT(complaints, testing::ElementsAre(HasSubstr("the record is damaged")));
  EXPECT_EQ(kernel_.driver(), "igbvf") << "the rest comes all the same";
}

TEST_F(LeaseTest, NoRecordNoBinding) {
  place_.write("state/records", "no directory");
  EXPECT_THAT(error_of([&] { bind_for_good(); }), HasSubstr("making the record"));
  EXPECT_EQ(kernel_.state(), before_);
}

}  // namespace
}  // namespace strait::binding
