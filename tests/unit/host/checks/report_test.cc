#include "host/checks/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/fakes/fake_host.h"

namespace strait::host {
namespace {

constexpr std::uint64_t kMemory = 512u << 20;

TEST(CheckReport, AGoodHostHasNothingWrong) {
  test::FakeHost host;
  for (const Check& check : check_all(host.view(), kMemory, std::nullopt)) {
    EXPECT_LE(check.status, Status::kUnknown) << check.name;
    EXPECT_FALSE(check.finding.empty()) << check.name;
    EXPECT_TRUE(check.cause.empty()) << check.name;
  }
}

TEST(CheckReport, TheOrderIsThatOfKindsAndNoNameComesTwice) {
  test::FakeHost host;
  host.functions().add("0000:01:10.0", "igbvf", 12);
  const auto checks = check_all(host.view(), kMemory, Bdf::parse("01:10.0"));
  EXPECT_TRUE(std::ranges::is_sorted(checks, {}, &Check::kind));
  std::set<std::string> names;
  for (const Check& check : checks) EXPECT_TRUE(names.insert(check.name).second) << check.name;
}

TEST(CheckReport, WhateverFailsHasACauseAndARemedy) {
  test::FakeHost host;
  host.functions().add("0000:01:10.0", "igbvf", -1);
  host.view().open_device = [](const auto&) { return OpenedDevice{.error = 13}; };
  host.view().locked.limit = 0;
  host.cpu("GenuineIntel", "");
  for (const char* name : {"kvm_intel", "vfio_pci", "vfio_iommu_type1"}) host.unload(name);
  host.remove("kernel/iommu_groups");
  for (const Check& check : check_all(host.view(), kMemory, Bdf::parse("01:10.0"))) {
    if (check.status != Status::kFailed) continue;
    EXPECT_FALSE(check.cause.empty()) << check.name;
    EXPECT_FALSE(check.remedy.empty()) << check.name;
  }
}

TEST(CheckReport, StatusesAndKindsHaveNames) {
  std::set<std::string_view> names;
  for (const Status status : {Status::kOk, Status::kNote, Status::kUnknown, Status::kWarning, Status::kFailed})
    names.insert(name_of(status));
  EXPECT_EQ(names.size(), 5u);
  for (int kind = 0; kind <= static_cast<int>(CheckKind::kSpeed); ++kind) names.insert(name_of(static_cast<CheckKind>(kind)));
  EXPECT_EQ(names.size(), 16u);
}

}  // namespace
}  // namespace strait::host
