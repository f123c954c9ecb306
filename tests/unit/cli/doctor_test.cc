#include "cli/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/doctor_report.h"
#include "tests/unit/error_of.h"

namespace strait {
namespace {

using host::Check;
using host::CheckKind;
using host::Status;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Line = std::vector<const char*>;

Diagnosis diagnosis() {
  return {.kernel = "6.12.1",
          .user = "alice",
          .device = host::Bdf::parse("01:10.0"),
          .checks = {{.kind = CheckKind::kKvm, .name = "/dev/kvm", .finding = "opens"},
                     {.kind = CheckKind::kIommu,
                      .name = "IOMMU",
                      .status = Status::kFailed,
                      .finding = "off: there are no IOMMU groups",
                      .cause = "the firmware has it enabled, and this goes on for longer than a line of a terminal has room for it",
                      .remedy = "put intel_iommu=on on the kernel command line",
                      .settings = {{std::string(host::kKernelCommandLine), "iommu=off", true},
                                   {std::string(host::kKernelCommandLine), "intel_iommu=on"}}},
                     {.kind = CheckKind::kModules,
                      .name = "module vfio-pci",
                      .status = Status::kWarning,
                      .finding = "not loaded yet, can be",
                      .settings = {{"/etc/modules-load.d/strait.conf", "vfio-pci"}}},
                     {.kind = CheckKind::kMemlock, .name = "locked memory", .status = Status::kFailed, .finding = "8M"},
                     {.kind = CheckKind::kSpeed,
                      .name = "posted interrupts",
                      .status = Status::kNote,
                      .finding = "none",
                      .settings = {{"/etc/modprobe.d/strait.conf", "options kvm_amd avic=1"}}}}};
}

TEST(DoctorReport, TheFirstKindThatFailedIsTheExitCode) {
  Diagnosis one = diagnosis();
  EXPECT_EQ(one.exit_code(), 12);
  one.checks[1].status = Status::kWarning;
  EXPECT_EQ(one.exit_code(), 16);
  one.checks[3].status = Status::kUnknown;
  EXPECT_EQ(one.exit_code(), 0);
}

/// As `strait doctor --help` tells.
TEST(DoctorReport, EachKindHasItsExitCode) {
  int code = 10;
  for (const CheckKind kind : {CheckKind::kCpu, CheckKind::kKvm, CheckKind::kIommu, CheckKind::kInterruptRemapping, CheckKind::kModules,
                               CheckKind::kPermissions, CheckKind::kMemlock, CheckKind::kGroup, CheckKind::kDriver, CheckKind::kLink}) {
    EXPECT_EQ((Diagnosis{.checks = {{.kind = kind, .name = "x", .status = Status::kFailed}}}).exit_code(), code++);
  }
}

TEST(DoctorReport, TextIsALineACheckAndMoreWhereItIsNotRight) {
  const std::string text = as_text(diagnosis(), false);
  EXPECT_THAT(text, StartsWith("strait " STRAIT_VERSION " on Linux 6.12.1 as alice, device 0000:01:10.0\n\n"
                               "/dev/kvm           ok       opens\n"
                               "IOMMU              failed   off: there are no IOMMU groups\n"
                               "    cause   the firmware has it enabled, and this goes on for longer than a line\n"
                               "            of a terminal has room for it\n"
                               "    remedy  put intel_iommu=on on the kernel command line\n"
                               "module vfio-pci    warning  not loaded yet, can be\n"));
  EXPECT_THAT(text, testing::EndsWith("posted interrupts  note     none\n\n2 failed, 1 warning; exit code 12\n"));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
}

TEST(DoctorReport, NothingFailedIsSaid) {
  EXPECT_THAT(as_text({.checks = {{.name = "a", .finding = "b"}}}, false), HasSubstr("nothing failed; exit code 0\n"));
}

TEST(DoctorReport, ColourIsForTheStatusAlone) {
  EXPECT_THAT(as_text(diagnosis(), false), Not(HasSubstr("\x1b")));
  EXPECT_THAT(as_text(diagnosis(), true), HasSubstr("IOMMU              \x1b[1;31mfailed \x1b[0m  off"));
  EXPECT_THAT(as_text(diagnosis(), true), HasSubstr("\x1b[32mok     \x1b[0m"));
}

TEST(DoctorReport, ConfigurationIsWhatPutsItRightAndNoMore) {
  EXPECT_EQ(as_config(diagnosis()),
            "# /etc/default/grub, in GRUB_CMDLINE_LINUX; then update-grub, and reboot\n"
            "# without iommu=off\n"
            "intel_iommu=on\n"
            "\n"
            "# /etc/modules-load.d/strait.conf\n"
            "vfio-pci\n");
  EXPECT_EQ(as_config({.checks = {{.name = "a", .finding = "b", .settings = {{"file", "line"}}}}}), "") << "it is right";
}

TEST(DoctorReport, ALineThatTwoChecksWantComesOnce) {
  Diagnosis one = diagnosis();
  one.checks.push_back(one.checks[2]);
  EXPECT_EQ(as_config(one), as_config(diagnosis()));
}

TEST(DoctorReport, JsonHasItAll) {
  const auto json = nlohmann::json::parse(as_json(diagnosis()));
  EXPECT_EQ(json["address"], "0000:01:10.0");
  EXPECT_EQ(json["exit_code"], 12);
  EXPECT_EQ(json["user"], "alice");
  ASSERT_EQ(json["checks"].size(), 5u);
  const auto& iommu = json["checks"][1];
  EXPECT_EQ(iommu["kind"], "iommu");
  EXPECT_EQ(iommu["status"], "failed");
  EXPECT_EQ(iommu["remedy"], "put intel_iommu=on on the kernel command line");
  ASSERT_EQ(iommu["settings"].size(), 2u);
  EXPECT_EQ(iommu["settings"][0]["action"], "remove");
  EXPECT_EQ(iommu["settings"][1]["line"], "intel_iommu=on");
  EXPECT_TRUE(nlohmann::json::parse(as_json({.checks = {}}))["address"].is_null());
}

TEST(Doctor, WrongWordsAreUsageErrors) {
  const auto error = [](const Line& words) { return test::error_of<UsageError>([&] { run_doctor(words); }); };
  EXPECT_THAT(error({"--json", "--print-config"}), HasSubstr("exclude each other"));
  EXPECT_THAT(error({"--memory", "lots"}), HasSubstr("--memory lots"));
  EXPECT_THAT(error({"--jsn"}), HasSubstr("jsn"));
  EXPECT_THAT(error({"01:10.0", "01:10.1"}), HasSubstr("'01:10.1' is one word too many"));
}

TEST(Doctor, ADeviceThatIsNotThereIsAnError) {
  EXPECT_THAT(test::error_of([] { run_doctor(Line{"fffe:ff:1f.7"}); }), HasSubstr("there is no PCI function fffe:ff:1f.7"));
}

/// On whatever machine the tests run.
TEST(Doctor, LooksAtThisMachine) {
  testing::internal::CaptureStdout();
  const int code = run_doctor(Line{"--json"});
  std::fflush(stdout);
  const auto json = nlohmann::json::parse(testing::internal::GetCapturedStdout());
  EXPECT_EQ(json["exit_code"], code);
  EXPECT_GE(json["checks"].size(), 10u);
}

}  // namespace
}  // namespace strait
