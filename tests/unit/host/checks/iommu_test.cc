#include "host/checks/iommu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/pci_function.h"
#include "tests/fakes/fake_host.h"

namespace strait::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const Setting kIntelOn = {std::string(kKernelCommandLine), "intel_iommu=on"};

class IommuCheck : public testing::Test {
 protected:
  /// The kernel did not turn the IOMMU on.
  void turn_off() {
    host_.remove("kernel/iommu_groups");
    host_.remove("class/iommu");
  }
  /// No table of ACPI tells of an IOMMU.
  void no_table() { host_.remove("firmware/acpi/tables/DMAR"); }
  /// AMD's instead of Intel's.
  void amd() {
    no_table();
    host_.remove("class/iommu");
    host_.sysfs("firmware/acpi/tables/IVRS", "IVRS");
    host_.sysfs("class/iommu/ivhd0/amd-iommu/features", "25bf732fa2295afe:1d\n");
    host_.cpu("AuthenticAMD", "svm");
  }
  Check iommu() { return check_iommu(host_.view()); }
  Check remapping() { return check_interrupt_remapping(host_.view()); }
  Check posted() { return check_posted_interrupts(host_.view()); }

  test::FakeHost host_;
};

TEST_F(IommuCheck, GroupsShowThatItIsOn) {
  EXPECT_EQ(iommu().status, Status::kOk);
  EXPECT_EQ(iommu().finding, "on, 1 group of dmar0");
  host_.sysfs("kernel/iommu_groups/1/type", "DMA");
  host_.sysfs("class/iommu/dmar1/intel-iommu/ecap", "f020df");
  EXPECT_EQ(iommu().finding, "on, 2 groups of dmar0 and 1 more");
}

TEST_F(IommuCheck, PassthroughForTheHostIsFine) {
  for (const char* words : {"iommu=pt", "intel_iommu=on iommu=pt", "iommu.passthrough=1"}) {
    host_.boot(words);
    EXPECT_EQ(iommu().status, Status::kOk);
    EXPECT_THAT(iommu().finding, HasSubstr("iommu=pt (fine)"));
  }
}

TEST_F(IommuCheck, GroupsOfNoIommuModeAreNone) {
  host_.sysfs("kernel/iommu_groups/0/name", "vfio-noiommu\n");
  EXPECT_EQ(count_iommu_groups(host_.view().sysfs), 0u);
  EXPECT_EQ(iommu().status, Status::kFailed);
}

TEST_F(IommuCheck, IntelsKernelHasToBeTold) {
  turn_off();
  EXPECT_EQ(iommu().status, Status::kFailed);
  EXPECT_EQ(iommu().cause, "the firmware has it enabled (ACPI table DMAR), but the kernel was not told to use it");
  EXPECT_THAT(iommu().remedy, HasSubstr("put intel_iommu=on on the kernel command line"));
  EXPECT_THAT(iommu().settings, ElementsAre(kIntelOn));
}

TEST_F(IommuCheck, AWordOfTheCommandLineThatTurnsItOffIsNamed) {
  turn_off();
  host_.boot("quiet intel_iommu=off");
  EXPECT_EQ(iommu().cause, "the kernel was booted with intel_iommu=off");
  EXPECT_THAT(iommu().settings, ElementsAre(Setting{std::string(kKernelCommandLine), "intel_iommu=off", true}, kIntelOn));
  amd();
  turn_off();
  host_.boot("amd_iommu=off");
  EXPECT_EQ(iommu().cause, "the kernel was booted with amd_iommu=off");
  EXPECT_THAT(iommu().remedy, Not(HasSubstr("intel")));
  EXPECT_THAT(iommu().settings, ElementsAre(Setting{std::string(kKernelCommandLine), "amd_iommu=off", true}));
  host_.boot("iommu=soft,off");
  EXPECT_EQ(iommu().cause, "the kernel was booted with iommu=off");
}

TEST_F(IommuCheck, EveryWordThatTurnsItOffIsNamedAndNoneOfAnotherMakers) {
  turn_off();
  host_.boot("iommu=off amd_iommu=off intel_iommu=off");
  EXPECT_EQ(iommu().cause, "the kernel was booted with iommu=off and intel_iommu=off");
  EXPECT_THAT(iommu().remedy, HasSubstr("remove iommu=off and intel_iommu=off from the kernel command line"));
  EXPECT_THAT(iommu().settings, ElementsAre(Setting{std::string(kKernelCommandLine), "iommu=off", true},
                                            Setting{std::string(kKernelCommandLine), "intel_iommu=off", true}, kIntelOn));
  host_.boot("amd_iommu=off");
  EXPECT_EQ(iommu().cause, "the firmware has it enabled (ACPI table DMAR), but the kernel was not told to use it");
}

TEST_F(IommuCheck, WithoutATableTheFirmwareHasItDisabled) {
  turn_off();
  no_table();
  EXPECT_THAT(iommu().cause, HasSubstr("ACPI has no DMAR table: the firmware has the IOMMU disabled"));
  EXPECT_THAT(iommu().remedy, HasSubstr("enable VT-d in the firmware set-up"));
  EXPECT_THAT(iommu().settings, ElementsAre(kIntelOn));
  host_.cpu("AuthenticAMD", "svm");
  EXPECT_THAT(iommu().cause, HasSubstr("ACPI has no IVRS table"));
  EXPECT_THAT(iommu().remedy, HasSubstr("AMD-Vi"));
  EXPECT_THAT(iommu().settings, IsEmpty());
}

TEST_F(IommuCheck, AVirtualMachineWasGivenNone) {
  turn_off();
  no_table();
  host_.cpu("GenuineIntel", "vmx hypervisor");
  EXPECT_THAT(iommu().cause, HasSubstr("a virtual machine without an IOMMU"));
  EXPECT_THAT(iommu().remedy, HasSubstr("-device intel-iommu,intremap=on"));
}

TEST_F(IommuCheck, AKernelThatWasToldAndDidNotHasItsReasonsInItsLog) {
  turn_off();
  host_.boot("intel_iommu=on,sm_on");
  EXPECT_THAT(iommu().cause, HasSubstr("the kernel could not turn it on"));
  EXPECT_THAT(iommu().remedy, HasSubstr("dmesg | grep -e DMAR"));
  EXPECT_THAT(iommu().settings, IsEmpty());
  amd();
  turn_off();
  EXPECT_THAT(iommu().cause, HasSubstr("ACPI table IVRS"));
  EXPECT_THAT(iommu().remedy, HasSubstr("AMD-Vi"));
}

TEST_F(IommuCheck, AnEmulatedIommuMayBeOfAnotherMakerThanTheProcessor) {
  turn_off();
  host_.cpu("AuthenticAMD", "svm hypervisor");
  EXPECT_THAT(iommu().settings, ElementsAre(kIntelOn)) << "there is a DMAR table";
}

TEST_F(IommuCheck, RemappingShowsInTheNamesOfTheInterruptControllers) {
  EXPECT_EQ(remapping().status, Status::kOk);
  EXPECT_EQ(remapping().finding, "on");
}

TEST_F(IommuCheck, RemappingNeedsTheIommu) {
  turn_off();
  EXPECT_EQ(remapping().status, Status::kUnknown);
  EXPECT_EQ(remapping().finding, "the IOMMU does it, and is off");
}

TEST_F(IommuCheck, WithoutProcInterruptsRemappingIsUnknown) {
  host_.remove_procfs("interrupts");
  EXPECT_EQ(remapping().status, Status::kUnknown);
  EXPECT_EQ(remapping().finding, "/proc/interrupts cannot be read");
  host_.procfs("interrupts", "");
  EXPECT_EQ(remapping().status, Status::kUnknown) << "masked, as in a container";
}

class RemappingOff : public IommuCheck {
 protected:
  RemappingOff() { host_.procfs("interrupts", "            CPU0\n   8:          0  IO-APIC    8-edge      rtc0\n"); }
};

TEST_F(RemappingOff, ByTheCommandLine) {
  host_.boot("intremap=off");
  EXPECT_EQ(remapping().status, Status::kFailed);
  EXPECT_EQ(remapping().cause, "the kernel was booted with intremap=off");
  EXPECT_THAT(remapping().settings, ElementsAre(Setting{std::string(kKernelCommandLine), "intremap=off", true}));
  EXPECT_THAT(remapping().remedy, Not(HasSubstr("unsafe")));
}

TEST_F(RemappingOff, ByAUnitThatCannot) {
  host_.sysfs("class/iommu/dmar1/intel-iommu/ecap", "f020d7\n");
  EXPECT_EQ(remapping().status, Status::kFailed);
  EXPECT_THAT(remapping().cause, HasSubstr("not every IOMMU of this machine can"));
  EXPECT_THAT(remapping().remedy, HasSubstr("options vfio_iommu_type1 allow_unsafe_interrupts=1"));
  host_.cpu("GenuineIntel", "vmx hypervisor");
  EXPECT_THAT(remapping().remedy, HasSubstr("intremap=on"));
}

TEST_F(RemappingOff, ByTheFirmware) {
  host_.sysfs("firmware/acpi/tables/DMAR", std::string(37, '\1') + std::string(11, '\0'));
  EXPECT_THAT(remapping().cause, HasSubstr("flag INTR_REMAP of the ACPI table DMAR"));
  host_.sysfs("firmware/acpi/tables/DMAR", "DMAR");
  EXPECT_THAT(remapping().cause, HasSubstr("the kernel did not turn it on")) << "a table that ends before its flags";
}

TEST_F(RemappingOff, ByAFaultOfTheTables) {
  EXPECT_THAT(remapping().cause, HasSubstr("the kernel did not turn it on"));
  EXPECT_THAT(remapping().remedy, HasSubstr("DMAR"));
  amd();
  EXPECT_THAT(remapping().remedy, HasSubstr("AMD-Vi"));
}

TEST_F(RemappingOff, AndAllowedAllTheSameIsAWarning) {
  host_.sysfs("module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n");
  EXPECT_EQ(remapping().status, Status::kWarning);
  EXPECT_THAT(remapping().cause, HasSubstr("a guest with a device can raise any interrupt of this host"));
}

TEST_F(IommuCheck, InterruptsWithoutASourceAreAWarning) {
  host_.boot("intremap=nosid");
  EXPECT_EQ(remapping().status, Status::kWarning);
  EXPECT_THAT(remapping().settings, ElementsAre(Setting{std::string(kKernelCommandLine), "intremap=nosid", true}));
}

TEST_F(IommuCheck, UnsafeInterruptsThatNobodyNeedsAreANote) {
  host_.sysfs("module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n");
  EXPECT_EQ(remapping().status, Status::kNote);
}

TEST_F(IommuCheck, PostedInterruptsTakeTheUnitAndTheProcessor) {
  EXPECT_EQ(posted().status, Status::kUnknown) << "kvm_intel hides its parameter";
  host_.sysfs("module/kvm_intel/parameters/enable_apicv", "Y\n");
  EXPECT_EQ(posted().status, Status::kOk);
  host_.boot("intremap=nopost");
  EXPECT_EQ(posted().finding, "off: booted with intremap=nopost");
  host_.boot("");
  host_.sysfs("module/kvm_intel/parameters/enable_apicv", "N\n");
  EXPECT_EQ(posted().finding, "off in KVM: kvm_intel has enable_apicv=N");
  host_.sysfs("class/iommu/dmar0/intel-iommu/cap", "d2078c106f0466\n");
  EXPECT_THAT(posted().finding, HasSubstr("the IOMMU has none"));
  turn_off();
  EXPECT_EQ(posted().finding, "none without an IOMMU");
  EXPECT_EQ(posted().status, Status::kNote);
}

TEST_F(IommuCheck, WhetherInterruptsArePostedMayBeUnknown) {
  EXPECT_EQ(posts_interrupts(host_.view()), std::nullopt);
  host_.sysfs("module/kvm_intel/parameters/enable_apicv", "Y\n");
  EXPECT_EQ(posts_interrupts(host_.view()), true);
  host_.remove("class/iommu");
  EXPECT_EQ(posts_interrupts(host_.view()), std::nullopt) << "nobody says what the units can";
  host_.sysfs("module/kvm_intel/parameters/enable_apicv", "N\n");
  EXPECT_EQ(posts_interrupts(host_.view()), false);
}

TEST_F(IommuCheck, AvicIsThatOfAmd) {
  amd();
  host_.sysfs("module/kvm_amd/parameters/avic", "1\n");
  EXPECT_EQ(posted().finding, "on (AVIC)");
  host_.sysfs("module/kvm_amd/parameters/avic", "N\n");
  EXPECT_THAT(posted().remedy, HasSubstr("options kvm_amd avic=1"));
  host_.sysfs("class/iommu/ivhd0/amd-iommu/features", "25bf732fa2295a7e:1d\n");
  EXPECT_THAT(posted().finding, HasSubstr("the IOMMU has none"));
}

TEST_F(IommuCheck, TheOrderOfAmdsFeaturesIsThatOfTheKernel) {
  amd();
  host_.sysfs("module/kvm_amd/parameters/avic", "Y\n");
  const auto posts = [&](const char* release, const char* features) {
    host_.procfs("sys/kernel/osrelease", release);
    host_.sysfs("class/iommu/ivhd0/amd-iommu/features", features);
    return posts_interrupts(host_.view());
  };
  EXPECT_EQ(posts("5.10.0-32-amd64\n", "25bf732fa2295afe\n"), true) << "the only one";
  EXPECT_EQ(posts("6.1.0-18-amd64\n", "1d:25bf732fa2295afe\n"), true);
  EXPECT_EQ(posts("6.6.0\n", "80:25bf732fa2295a7e\n"), false);
  EXPECT_EQ(posts("6.7.0\n", "25bf732fa2295afe:1d\n"), true);
  EXPECT_EQ(posts("6.12.1\n", "25bf732fa2295a7e:80\n"), false);
  EXPECT_EQ(posts("5.14.0-503.el9\n", "25bf732fa2295afe:1d\n"), std::nullopt) << "not this kernel's own";
  EXPECT_EQ(posts("6.12.1\n", "none\n"), std::nullopt);
}

}  // namespace
}  // namespace strait::host
