#include "host/checks/memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/units.h"
#include "tests/fakes/fake_host.h"

namespace strait::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(LockedMemoryCheck, ALimitThatHoldsTheGuestIsRight) {
  test::FakeHost host;
  EXPECT_EQ(check_locked_memory(host.view(), 1 * kGiB).status, Status::kOk);
  EXPECT_EQ(check_locked_memory(host.view(), 512 * kMiB).finding, "1G for a guest of 512M");
}

TEST(LockedMemoryCheck, OneThatDoesNotComesWithTheLinesThatRaiseIt) {
  test::FakeHost host;
  host.view().locked.limit = 8 * kMiB;
  const Check check = check_locked_memory(host.view(), 512 * kMiB);
  EXPECT_EQ(check.kind, CheckKind::kMemlock);
  EXPECT_EQ(check.status, Status::kFailed);
  EXPECT_EQ(check.finding, "8M, too little for a guest of 512M");
  EXPECT_THAT(check.remedy, HasSubstr("LimitMEMLOCK=536870912"));
  EXPECT_THAT(check.remedy, HasSubstr("'alice - memlock 524288'"));
  EXPECT_THAT(check.settings,
              ElementsAre(Setting{"/etc/security/limits.d/strait.conf", "alice - memlock 524288"},
                          Setting{"the [Service] part of the systemd unit that runs strait, if one does", "LimitMEMLOCK=536870912"}));
}

TEST(LockedMemoryCheck, WhatIsLockedAlreadyCounts) {
  test::FakeHost host;
  host.view().locked.locked = 4 * kKiB;
  EXPECT_EQ(check_locked_memory(host.view(), 1 * kGiB).status, Status::kFailed);
  EXPECT_THAT(check_locked_memory(host.view(), 1 * kGiB).remedy, HasSubstr("ulimit -l 1048580"));
}

TEST(LockedMemoryCheck, NoLimitHasItsReason) {
  test::FakeHost host;
  host.view().locked = {.unlimited = true};
  EXPECT_EQ(check_locked_memory(host.view(), 1 * kGiB).finding, "no limit");
  host.view().locked.capable = true;
  EXPECT_EQ(check_locked_memory(host.view(), 1 * kGiB).finding, "no limit for alice (CAP_IPC_LOCK)");
  EXPECT_EQ(check_locked_memory(host.view(), 1 * kGiB).status, Status::kOk);
}

TEST(HugePageCheck, TransparentOnesAreEnough) {
  test::FakeHost host;
  host.sysfs("kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
  EXPECT_EQ(check_huge_pages(host.view()).status, Status::kOk);
  EXPECT_EQ(check_huge_pages(host.view()).finding, "none reserved, transparent ones on");
}

TEST(HugePageCheck, ReservedOnesAreCountedBySize) {
  test::FakeHost host;
  host.sysfs("kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "4\n");
  host.sysfs("kernel/mm/hugepages/hugepages-1048576kB/free_hugepages", "3\n");
  host.sysfs("kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "512\n");
  host.sysfs("kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "512\n");
  host.sysfs("kernel/mm/hugepages/hugepages-2048kB/resv_hugepages", "12\n");  // somebody else's already
  EXPECT_EQ(check_huge_pages(host.view()).status, Status::kNote);
  EXPECT_EQ(check_huge_pages(host.view()).finding, "500 of 2M can be had (512 set apart), 3 of 1G can be had (4 set apart), transparent ones off");
}

TEST(HugePageCheck, NoneAtAllIsANote) {
  test::FakeHost host;
  host.sysfs("kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "0\n");
  EXPECT_EQ(check_huge_pages(host.view()).status, Status::kNote);
  EXPECT_THAT(check_huge_pages(host.view()).remedy, HasSubstr("transparent_hugepage/enabled"));
}

}  // namespace
}  // namespace strait::host
