#include "host/checks/processor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/fakes/fake_host.h"

namespace strait::host {
namespace {

using testing::HasSubstr;

TEST(ProcessorCheck, AFlagOfEitherMakerIsEnough) {
  test::FakeHost host;
  EXPECT_EQ(check_processor(host.view()).status, Status::kOk);
  EXPECT_EQ(check_processor(host.view()).finding, "Intel VT-x (vmx)");
  host.cpu("AuthenticAMD", "fpu svm");
  EXPECT_EQ(check_processor(host.view()).finding, "AMD-V (svm)");
}

TEST(ProcessorCheck, AVirtualMachineThatHasItIsNested) {
  test::FakeHost host;
  host.cpu("GenuineIntel", "vmx hypervisor");
  EXPECT_EQ(check_processor(host.view()).status, Status::kOk);
  EXPECT_THAT(check_processor(host.view()).finding, HasSubstr("nested"));
}

TEST(ProcessorCheck, WhatCpuidHasAndTheKernelHasNotTheFirmwareLocked) {
  test::FakeHost host;
  host.no_kvm();
  host.cpu("GenuineIntel", "fpu");
  const Check check = check_processor(host.view());
  EXPECT_EQ(check.status, Status::kFailed);
  EXPECT_EQ(check.finding, "no vmx flag in /proc/cpuinfo");
  EXPECT_EQ(check.cause, "the processor has it, but the firmware has disabled it");
  EXPECT_THAT(check.remedy, HasSubstr("VT-x"));
  host.cpu("AuthenticAMD", "fpu");
  EXPECT_EQ(check_processor(host.view()).finding, "no svm flag in /proc/cpuinfo");
  EXPECT_THAT(check_processor(host.view()).remedy, HasSubstr("SVM Mode"));
}

TEST(ProcessorCheck, AVirtualMachineWithoutItHasAHypervisorThatKeepsItBack) {
  test::FakeHost host;
  host.no_kvm();
  host.view().cpuid_virtualisation = false;
  host.cpu("GenuineIntel", "fpu hypervisor");
  const Check check = check_processor(host.view());
  EXPECT_EQ(check.status, Status::kFailed);
  EXPECT_THAT(check.cause, HasSubstr("its hypervisor does not pass virtualisation on"));
  EXPECT_THAT(check.remedy, HasSubstr("nested=1"));
}

TEST(ProcessorCheck, AProcessorWithoutItIsTheEnd) {
  test::FakeHost host;
  host.no_kvm();
  host.view().cpuid_virtualisation = false;
  host.cpu("GenuineIntel", "fpu");
  EXPECT_EQ(check_processor(host.view()).status, Status::kFailed);
  EXPECT_EQ(check_processor(host.view()).cause, "the processor has none, or the firmware hides it");
}

TEST(ProcessorCheck, KvmThatWorksWithoutIsBelieved) {
  test::FakeHost host;
  host.cpu("GenuineIntel", "fpu");
  host.device("kvm", EACCES);
  EXPECT_EQ(check_processor(host.view()).status, Status::kNote) << "whoever may open it";
}

TEST(ProcessorCheck, WithoutProcfsNothingIsKnown) {
  test::FakeHost host;
  host.remove_procfs("cpuinfo");
  EXPECT_EQ(check_processor(host.view()).status, Status::kUnknown);
  EXPECT_EQ(check_processor(host.view()).finding, "/proc/cpuinfo cannot be read");
}

}  // namespace
}  // namespace strait::host
