#include "host/checks/device_nodes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/fakes/fake_host.h"

namespace strait::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(DeviceNodeCheck, WhatOpensIsRight) {
  test::FakeHost host;
  host.device("vfio/12");
  for (const Check& check : {check_kvm_node(host.view()), check_vfio_node(host.view()), check_group_node(host.view(), 12)}) {
    EXPECT_EQ(check.status, Status::kOk) << check.name;
    EXPECT_EQ(check.finding, "opens");
  }
  EXPECT_EQ(check_group_node(host.view(), 12).name, "/dev/vfio/12");
}

TEST(DeviceNodeCheck, AGroupThatMayOpenItIsTheOneToJoin) {
  test::FakeHost host;
  host.device("kvm", EACCES, "kvm");
  const Check check = check_kvm_node(host.view());
  EXPECT_EQ(check.kind, CheckKind::kKvm);
  EXPECT_EQ(check.status, Status::kFailed);
  EXPECT_EQ(check.cause, "user alice is not in group kvm");
  EXPECT_EQ(check.remedy, "usermod -aG kvm alice, then log in again");
  EXPECT_THAT(check.settings, IsEmpty());
}

TEST(DeviceNodeCheck, WithoutOneARuleOfUdevMakesIt) {
  test::FakeHost host;
  host.device("kvm", EACCES);
  host.device("vfio/vfio", EACCES);
  host.device("vfio/12", EACCES);
  const std::string file = "/etc/udev/rules.d/70-strait.rules";
  EXPECT_THAT(check_kvm_node(host.view()).settings, ElementsAre(Setting{file, R"(KERNEL=="kvm", GROUP="kvm", MODE="0660")"}));
  const Check container = check_vfio_node(host.view());
  EXPECT_EQ(container.kind, CheckKind::kPermissions);
  EXPECT_EQ(container.status, Status::kFailed);
  EXPECT_THAT(container.settings, ElementsAre(Setting{file, R"(KERNEL=="vfio", SUBSYSTEM=="misc", MODE="0666")"}));
  EXPECT_THAT(container.remedy, Not(HasSubstr("usermod")));
  const Check group = check_group_node(host.view(), 12);
  EXPECT_EQ(group.kind, CheckKind::kPermissions);
  EXPECT_THAT(group.settings, ElementsAre(Setting{file, R"(SUBSYSTEM=="vfio", GROUP="kvm", MODE="0660")"}));
  EXPECT_THAT(group.remedy, HasSubstr("usermod -aG kvm alice"));
}

TEST(DeviceNodeCheck, DeviceRulesOfAContainerAreToldFromPermissions) {
  test::FakeHost host;
  host.device("kvm", EPERM);
  EXPECT_EQ(check_kvm_node(host.view()).status, Status::kFailed);
  EXPECT_THAT(check_kvm_node(host.view()).cause, HasSubstr("the container or service"));
  EXPECT_EQ(check_kvm_node(host.view()).remedy, "a container: --device /dev/kvm; a systemd unit: DeviceAllow=/dev/kvm rw");
}

TEST(DeviceNodeCheck, AnotherErrorIsTheKernels) {
  test::FakeHost host;
  host.device("kvm", EIO);
  EXPECT_EQ(check_kvm_node(host.view()).status, Status::kFailed);
  EXPECT_EQ(check_kvm_node(host.view()).finding, "Input/output error");
}

TEST(DeviceNodeCheck, WithoutKvmItsModuleIsMissingOrFoundNothing) {
  test::FakeHost host;
  host.no_kvm();
  EXPECT_EQ(check_kvm_node(host.view()).status, Status::kFailed);
  EXPECT_EQ(check_kvm_node(host.view()).finding, "not there");
  EXPECT_THAT(check_kvm_node(host.view()).cause, HasSubstr("kvm_intel is there, but found no virtualisation"));
  host.unload("kvm_intel");
  EXPECT_EQ(check_kvm_node(host.view()).cause, "kvm_intel is not loaded");
  EXPECT_THAT(check_kvm_node(host.view()).remedy, HasSubstr("modprobe kvm_intel"));
}

TEST(DeviceNodeCheck, KvmThatRunsWithoutItsFileIsOutsideOfAContainer) {
  test::FakeHost host;
  host.no_device("kvm");
  EXPECT_EQ(check_kvm_node(host.view()).status, Status::kFailed);
  EXPECT_THAT(check_kvm_node(host.view()).cause, HasSubstr("KVM runs, but the container"));
}

TEST(DeviceNodeCheck, TheContainerComesWithVfio) {
  test::FakeHost host;
  host.no_device("vfio/vfio");
  EXPECT_EQ(check_vfio_node(host.view()).status, Status::kFailed);
  EXPECT_THAT(check_vfio_node(host.view()).cause, HasSubstr("in a container without the device"));
  host.unload("vfio_pci");
  EXPECT_EQ(check_vfio_node(host.view()).status, Status::kFailed);
  EXPECT_EQ(check_vfio_node(host.view()).cause, "the kernel has no vfio-pci");
  host.list_modules("modules.dep", "kernel/drivers/vfio/pci/vfio-pci.ko:\n");
  EXPECT_EQ(check_vfio_node(host.view()).status, Status::kWarning);
  EXPECT_EQ(check_vfio_node(host.view()).remedy, "modprobe vfio-pci");
}

TEST(DeviceNodeCheck, AGroupsFileComesWithItsDriver) {
  test::FakeHost host;
  EXPECT_EQ(check_group_node(host.view(), 12).status, Status::kUnknown);
}

TEST(DeviceNodeCheck, AGroupInUseHasAProcessThatUsesIt) {
  test::FakeHost host;
  host.device("vfio/12", EBUSY);
  const Check unseen = check_group_node(host.view(), 12);
  EXPECT_EQ(unseen.kind, CheckKind::kDriver);
  EXPECT_EQ(unseen.status, Status::kFailed);
  EXPECT_EQ(unseen.finding, "in use");
  EXPECT_THAT(unseen.remedy, HasSubstr("fuser -v /dev/vfio/12"));

  host.procfs("4711/comm", "strait\n");
  host.procfs("4712/comm", "other\n");
  for (const char* pid : {"4711", "4712"}) std::filesystem::create_directories(host.view().procfs / pid / "fd");
  std::filesystem::create_symlink("/dev/vfio/12", host.view().procfs / "4711/fd/7");
  std::filesystem::create_symlink("/dev/vfio/1", host.view().procfs / "4712/fd/7");
  const Check seen = check_group_node(host.view(), 12);
  EXPECT_EQ(seen.cause, "strait (4711) has it open, and only one process may");
  EXPECT_EQ(seen.remedy, "end that process");
}

TEST(DeviceNodeCheck, AGroupThatAStraitHasTakenIsNotOpened) {
  test::FakeHost host;
  host.functions().add("0000:01:10.0", "vfio-pci", 12);
  host.functions().add("0000:01:10.2", "vfio-pci", 12);
  host.view().open_device = [](const auto& path) {
    ADD_FAILURE() << path << " was opened";
    return OpenedDevice{};
  };
  host.view().holder = [](const Bdf& bdf) { return bdf == Bdf::parse("01:10.2") ? "strait, process 4711" : ""; };
  EXPECT_EQ(check_group_node(host.view(), 12).status, Status::kFailed);
  EXPECT_EQ(check_group_node(host.view(), 12).cause, "strait, process 4711 has it open, and only one process may");
  host.view().holder = [](const Bdf&) { return "strait"; };
  EXPECT_EQ(check_group_node(host.view(), 12).cause, "strait has it open, and only one process may");
}

/// A process chooses its name itself.
TEST(DeviceNodeCheck, ANameThatATerminalWouldObeyIsCleaned) {
  test::FakeHost host;
  host.device("vfio/12", EBUSY);
  host.procfs("4711/comm", "\x1b[31mred\r\n");
  std::filesystem::create_directories(host.view().procfs / "4711/fd");
  std::filesystem::create_symlink("/dev/vfio/12", host.view().procfs / "4711/fd/7");
  EXPECT_EQ(check_group_node(host.view(), 12).cause, "[31mred (4711) has it open, and only one process may");
}

}  // namespace
}  // namespace strait::host
