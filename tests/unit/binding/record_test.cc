#include "binding/record.h"

#include <sys/stat.h>

#include "tests/unit/binding/binding_test.h"

namespace strait::binding {
namespace {

using test::error_of;
using testing::HasSubstr;

class RecordTest : public BindingTest {
 protected:
  static Record record() {
    Record record;
    record.function = function();
    record.pid = 17;
    record.identity = "8086:10ca 8086:a03c";
    record.vf = VfBefore{host::Bdf::parse("01:00.0"), 3, {.vlan = 7}, {.vlan = 9, .trust = true}};
    record.complete = true;
    record.batch = Batch{host::Bdf::parse("01:00.0"), "17-4711"};
    record.driver = DriverBefore{"igbvf", ""};
    record.interfaces.push_back({{"name", "fake_lan0"}});
    record.attributes.push_back({"bus/pci/devices/0000:01:00.0/sriov_drivers_autoprobe", "1", "0"});
    return record;
  }
  std::filesystem::path file() { return place_.path() / "state/records" / (std::string(kBdf) + ".json"); }
};

TEST_F(RecordTest, WhatIsSavedIsFound) {
  records().save(record());
  const auto found = records().load(function(), Owner::kCommand);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->function, function());
  EXPECT_EQ(found->pid, 17);
  EXPECT_EQ(found->identity, "8086:10ca 8086:a03c");
  ASSERT_TRUE(found->vf && found->driver);
  EXPECT_EQ(found->vf->pf, host::Bdf::parse("01:00.0"));
  EXPECT_EQ(found->vf->index, 3u);
  EXPECT_EQ(found->vf->settings, record().vf->settings);
  EXPECT_EQ(found->vf->ours, record().vf->ours);
  EXPECT_TRUE(found->complete);
  ASSERT_TRUE(found->batch);
  EXPECT_EQ(found->batch->first, host::Bdf::parse("01:00.0"));
  EXPECT_EQ(found->batch->token, "17-4711");
  EXPECT_EQ(found->driver->driver, "igbvf");
  ASSERT_EQ(found->interfaces.size(), 1u);
  EXPECT_EQ(found->interfaces[0]["name"], "fake_lan0");
  ASSERT_EQ(found->attributes.size(), 1u);
  EXPECT_EQ(found->attributes[0].before, "1");
}

TEST_F(RecordTest, EachOwnerHasItsOwn) {
  Record run = record();
  run.owner = Owner::kRun;
  records().save(run);
  EXPECT_FALSE(records().load(function(), Owner::kCommand));
  EXPECT_EQ(records().load(function(), Owner::kRun)->owner, Owner::kRun);
  records().save(record());
  EXPECT_EQ(records().functions(), std::vector{function()});
  records().remove(function(), Owner::kRun);
  records().remove(function(), Owner::kRun);
  EXPECT_TRUE(records().load(function(), Owner::kCommand));
}

TEST_F(RecordTest, OnlyItsOwnerMayReadIt) {
  records().save(record());
  struct stat status = {};
  ASSERT_EQ(::stat(file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(RecordTest, OneOfAnEarlierBootIsVoid) {
  records().save(record());
  place_.write("proc/sys/kernel/random/boot_id", "second-boot\n");
  EXPECT_FALSE(records().load(function(), Owner::kCommand));
  EXPECT_TRUE(records().functions().empty());
  EXPECT_EQ(records().functions_with_files(), std::vector{function()});
  EXPECT_TRUE(std::filesystem::exists(file()));
  records().tidy(function());
  EXPECT_FALSE(std::filesystem::exists(file()));
  EXPECT_TRUE(records().functions_with_files().empty());
}

TEST_F(RecordTest, WhatAKilledWriterLeftIsTidiedAway) {
  const std::string next = std::string(kBdf) + ".run.json.next";
  place_.write("state/records/" + next, "{");
  EXPECT_TRUE(records().functions().empty());
  EXPECT_EQ(records().functions_with_files(), std::vector{function()});
  {
    const Lock lock = Lock::take(function(), host());
    stale();
    EXPECT_TRUE(std::filesystem::exists(place_.path() / "state/records" / next)) << "it may still be written";
  }
  stale();
  EXPECT_FALSE(std::filesystem::exists(place_.path() / "state/records" / next));
}

TEST_F(RecordTest, SomebodyElsesFileIsNoRecord) {
  records().save(record());
  place_.write("state/records/notes.json", "{}");
  EXPECT_EQ(records().functions(), std::vector{function()});
}

TEST_F(RecordTest, ADamagedOneIsAnErrorThatSaysWhatToDo) {
  for (const char* text : {"{", R"({"boot_id": "first-boot", "version": 2})"}) {
    place_.write("state/records/" + std::string(kBdf) + ".json", text);
    EXPECT_THAT(error_of([&] { records().load(function(), Owner::kCommand); }),
                testing::AllOf(HasSubstr(".json is damaged"), HasSubstr("then remove the file")));
    EXPECT_EQ(records().functions(), std::vector{function()});
    records().tidy(function());
    EXPECT_TRUE(std::filesystem::exists(file()));
  }
}

TEST_F(RecordTest, OneOfANewerStraitIsAnError) {
  place_.write("state/records/" + std::string(kBdf) + ".json", R"({"boot_id": "first-boot", "version": 3})");
  EXPECT_THAT(error_of([&] { records().load(function(), Owner::kCommand); }), HasSubstr("is of another version of strait"));
}

TEST_F(RecordTest, WhatCannotBeWrittenIsAnError) {
  place_.write("state/records", "no directory");
  EXPECT_THAT(error_of([&] { records().save(record()); }), testing::AllOf(HasSubstr("making the record"), HasSubstr("STRAIT_STATE_DIR")));
}

TEST_F(RecordTest, WhoeverIsKilledWhileWritingLeavesTheOldOneOrTheNew) {
  records().save(record());
  Record next = record();
  next.pid = 18;
  int n = 1;
  for (; test::killed_at(n, [&] { records().save(next); }); ++n) EXPECT_EQ(records().load(function(), Owner::kCommand)->pid, 17);
  EXPECT_EQ(n, 3);
  EXPECT_EQ(records().load(function(), Owner::kCommand)->pid, 18);
  EXPECT_EQ(records().functions(), std::vector{function()});
}

TEST_F(RecordTest, IdentityIsVendorAndDeviceTwiceAndTheDirectory) {
  const std::string before = identity_of(function(), sysfs_.root());
  EXPECT_THAT(before, testing::StartsWith("8086:10ca 8086:a03c "));
  EXPECT_EQ(identity_of(function(), sysfs_.root()), before);
  make_anew();
  EXPECT_NE(identity_of(function(), sysfs_.root()), before);
  EXPECT_THAT(error_of([&] { identity_of(host::Bdf::parse("09:00.0"), sysfs_.root()); }), HasSubstr("there is no PCI function 0000:09:00.0"));
}

}  // namespace
}  // namespace strait::binding
