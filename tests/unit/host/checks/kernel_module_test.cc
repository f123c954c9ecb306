#include "host/checks/kernel_module.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/fakes/fake_host.h"

namespace strait::host {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

Check find(test::FakeHost& host, const std::string& name) {
  const auto checks = check_modules(host.view());
  const auto found = std::ranges::find(checks, "module " + name, &Check::name);
  return found == checks.end() ? Check{.name = "no such check"} : *found;
}

TEST(ModuleCheck, LoadedOnesAreRight) {
  test::FakeHost host;
  EXPECT_THAT(check_modules(host.view()), Each(Field(&Check::status, Status::kOk)));
  EXPECT_THAT(check_modules(host.view()), Each(Field(&Check::finding, "loaded")));
}

TEST(ModuleCheck, KvmTellsWhetherItNests) {
  test::FakeHost host;
  host.sysfs("module/kvm_intel/parameters/nested", "Y\n");
  EXPECT_EQ(find(host, "kvm_intel").finding, "loaded, nested on");
  host.sysfs("module/kvm_intel/parameters/nested", "0\n");
  EXPECT_EQ(find(host, "kvm_intel").finding, "loaded, nested off");
}

TEST(ModuleCheck, BuiltInOnesAreRight) {
  test::FakeHost host;
  host.remove("module/vfio_pci/initstate");
  EXPECT_EQ(find(host, "vfio-pci").finding, "built into the kernel") << "it has parameters, but was never loaded";
  host.unload("vfio_pci");
  host.list_modules("modules.builtin", "kernel/fs/ext4/ext4.ko\nkernel/drivers/vfio/pci/vfio-pci.ko\n");
  EXPECT_EQ(find(host, "vfio-pci").finding, "built into the kernel") << "it has none";
}

TEST(ModuleCheck, OneThatCanBeLoadedIsAWarningWithTheLineThatLoadsIt) {
  test::FakeHost host;
  host.unload("vfio_pci");
  host.list_modules("modules.dep",
                    "kernel/drivers/vfio/pci/vfio-pci-core.ko.xz: \nkernel/drivers/vfio/pci/vfio-pci.ko.xz: kernel/virt/irqbypass.ko\n");
  const Check check = find(host, "vfio-pci");
  EXPECT_EQ(check.status, Status::kWarning);
  EXPECT_THAT(check.remedy, HasSubstr("modprobe vfio-pci"));
  EXPECT_THAT(check.settings, ElementsAre(Setting{"/etc/modules-load.d/strait.conf", "vfio-pci"}));
}

TEST(ModuleCheck, WithoutKvmsModuleNothingRuns) {
  test::FakeHost host;
  host.no_kvm();
  host.unload("kvm_intel");
  host.list_modules("modules.dep", "kernel/arch/x86/kvm/kvm-intel.ko: kernel/arch/x86/kvm/kvm.ko\n");
  EXPECT_EQ(find(host, "kvm_intel").status, Status::kFailed);
  EXPECT_THAT(find(host, "kvm_intel").settings, ElementsAre(Setting{"/etc/modules-load.d/strait.conf", "kvm_intel"}));
  host.cpu("AuthenticAMD", "svm");
  EXPECT_EQ(find(host, "kvm_amd").status, Status::kFailed);
}

TEST(ModuleCheck, AModuleForAProcessorWithoutVirtualisationWouldNotHelp) {
  test::FakeHost host;
  host.no_kvm();
  host.unload("kvm_intel");
  host.cpu("GenuineIntel", "fpu");
  EXPECT_THAT(find(host, "kvm_intel").cause, HasSubstr("without virtualisation by the processor it would not load"));
}

TEST(ModuleCheck, KvmThatOpensNeedsNone) {
  test::FakeHost host;
  host.unload("kvm_intel");
  EXPECT_EQ(find(host, "kvm_intel").status, Status::kNote);
}

TEST(ModuleCheck, OneThatIsNotInTheKernelsPackageIsMissing) {
  test::FakeHost host;
  host.unload("vfio_pci");
  host.list_modules("modules.dep", "kernel/drivers/vfio/pci/vfio-pci-core.ko:\n");
  EXPECT_EQ(find(host, "vfio-pci").status, Status::kFailed);
  EXPECT_EQ(find(host, "vfio-pci").cause, "kernel 6.12.1 was built without it, or its package is not installed");
  EXPECT_THAT(find(host, "vfio-pci").settings, IsEmpty());
}

TEST(ModuleCheck, AKernelWhoseModulesAreGoneIsNamed) {
  test::FakeHost host;
  host.unload("vfio_pci");
  EXPECT_EQ(find(host, "vfio-pci").status, Status::kFailed);
  EXPECT_THAT(find(host, "vfio-pci").cause, HasSubstr("an upgrade removed them"));
  EXPECT_THAT(find(host, "vfio-pci").remedy, HasSubstr("reboot"));
}

TEST(ModuleCheck, VfioLoadsItsBackEndItself) {
  test::FakeHost host;
  host.unload("vfio_iommu_type1");
  host.list_modules("modules.dep", "kernel/drivers/vfio/vfio_iommu_type1.ko.zst:\n");
  EXPECT_EQ(find(host, "vfio_iommu_type1").status, Status::kNote);
  EXPECT_EQ(find(host, "vfio_iommu_type1").remedy, "");
}

TEST(ModuleCheck, WhatIsSaidOfVfioPciIsNotSaidTwice) {
  test::FakeHost host;
  host.unload("vfio_pci");
  host.unload("vfio_iommu_type1");
  EXPECT_EQ(find(host, "vfio_iommu_type1").status, Status::kFailed);
  EXPECT_EQ(find(host, "vfio_iommu_type1").remedy, "see module vfio-pci");
}

TEST(ModuleCheck, IommufdMayStandInForTheBackEnd) {
  test::FakeHost host;
  host.unload("vfio_iommu_type1");
  EXPECT_EQ(find(host, "vfio_iommu_type1").status, Status::kFailed);
  host.device_file("iommu");
  host.device_file("vfio/vfio");
  EXPECT_EQ(find(host, "vfio_iommu_type1").status, Status::kNote);
}

}  // namespace
}  // namespace strait::host
