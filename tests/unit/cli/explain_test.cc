// strait explain: its words, what it reads of the host, and what it prints.

#include "cli/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include <nlohmann/json.hpp>

#include "cli/explain_host.h"
#include "cli/explain_report.h"
#include "tests/fakes/fake_sysfs.h"
#include "tests/unit/error_of.h"

namespace strait {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;
using Line = std::vector<const char*>;
using Verdict = Explanation::Verdict;

ExplainRequest parse(const Line& words) { return ExplainRequest::parse(words); }

TEST(ExplainWords, NameASocketAndPerhapsAFunction) {
  EXPECT_EQ(parse({"socket"}).socket, "socket");
  EXPECT_FALSE(parse({"socket"}).address);
  EXPECT_FALSE(parse({"socket"}).json);
  const ExplainRequest request = parse({"socket", "01:10.0", "--json"});
  EXPECT_EQ(request.address->to_string(), "0000:01:10.0");
  EXPECT_TRUE(request.json);
}

TEST(ExplainWords, WrongOnesAreUsageErrors) {
  EXPECT_THAT(test::error_of<UsageError>([] { parse({}); }), HasSubstr("needs a socket"));
  for (const Line& words : {Line{"s", "card"}, Line{"s", "01:10.0", "x"}, Line{"s", "--all"}}) {
    EXPECT_NE(test::error_of([&] { parse(words); }), "(no error)");
  }
}

TEST(ExplainWords, WhatIsTooMuchIsNamed) {
  EXPECT_THAT(test::error_of<UsageError>([] { parse({"socket", "01:10.0", "01:10.2"}); }), StartsWith("'01:10.2' is one word too many; "));
}

TEST(ExplainCommand, NobodyListensIsAnError) {
  const std::vector<const char*> words = {"/nonexistent/socket"};
  EXPECT_THAT(test::error_of([&] { run_explain(words); }), HasSubstr("give the socket of a running strait"));
}

TEST(ExplainExitCode, IsThatOfTheWorst) {
  EXPECT_EQ(explain_exit_code({}), 0);
  EXPECT_EQ(explain_exit_code({Verdict::kWorks, Verdict::kIdle}), 0);
  EXPECT_EQ(explain_exit_code({Verdict::kNotYet, Verdict::kWorks}), 3);
  EXPECT_EQ(explain_exit_code({Verdict::kNotYet, Verdict::kFailed}), 1);
}

/// A PF with two VFs, of which the second is asked for.
class ExplainHost : public testing::Test {
 protected:
  ExplainHost() {
    sysfs_.add("0000:01:00.0", "igb", 1);
    sysfs_.add("0000:01:10.0", "vfio-pci", 2);
    sysfs_.add("0000:01:10.2", "vfio-pci", 3);
    const fs::path physical = root() / "bus/pci/devices/0000:01:00.0";
    fs::create_symlink("../0000:01:10.0", physical / "virtfn0");
    fs::create_symlink("../0000:01:10.2", physical / "virtfn1");
    fs::create_symlink("../0000:01:00.0", root() / "bus/pci/devices/0000:01:10.2/physfn");
    proc_.write("interrupts",
                "            CPU0       CPU1\n"
                " 45:         10          5  IR-PCI-MSIX-0000:01:10.2    0-edge      vfio-msix[0](0000:01:10.2)\n");
  }
  void add_interface(const std::string& flags, const std::string& carrier) {
    sysfs_.add_interface("0000:01:00.0", "eth0");
    const fs::path interface = root() / "devices/pci0000:00/0000:01:00.0/net/eth0";
    std::ofstream(interface / "flags") << flags;
    std::ofstream(interface / "carrier") << carrier;
  }
  HostFacts facts(const char* bdf = "0000:01:10.2") {
    return host_facts(host::Bdf::parse(bdf), root(), proc_.path(), [](const std::string& interface) {
      if (interface != "eth0") throw Error("there is no interface " + interface);
      host::VfSettings second;
      second.vlan = 7;
      return host::VfTable{{0, {}}, {1, second}};
    });
  }
  const fs::path& root() const { return sysfs_.root(); }

  test::FakeSysfs sysfs_;
  test::TemporaryDirectory proc_;
};

TEST_F(ExplainHost, FindsThePhysicalFunctionAndItsSettingsForTheVirtualOne) {
  add_interface("0x1003\n", "1\n");
  const HostFacts host = facts();
  EXPECT_EQ(host.interrupts, 15u);
  ASSERT_TRUE(host.physical);
  EXPECT_EQ(host.physical->address, "0000:01:00.0");
  EXPECT_EQ(host.physical->interface, "eth0");
  EXPECT_EQ(host.physical->index, 1u);
  EXPECT_EQ(host.physical->up, true);
  EXPECT_EQ(host.physical->carrier, true);
  EXPECT_EQ(host.physical->settings.vlan, 7u);
}

TEST_F(ExplainHost, AnInterfaceThatIsDownHasNoCarrierToTell) {
  add_interface("0x1002\n", "");
  fs::remove(root() / "devices/pci0000:00/0000:01:00.0/net/eth0/carrier");
  EXPECT_EQ(facts().physical->up, false);
  EXPECT_FALSE(facts().physical->carrier);
}

TEST_F(ExplainHost, APhysicalFunctionMayHaveNoInterfaceOrNoVfsToTell) {
  EXPECT_EQ(facts().physical->interface, "");
  sysfs_.add_interface("0000:01:00.0", "eth9");
  EXPECT_TRUE(facts().physical->settings.empty());
  EXPECT_FALSE(facts().physical->up);
}

TEST_F(ExplainHost, ARepresentorKnowsNothingOfVfs) {
  sysfs_.add_interface("0000:01:00.0", "a_rep");
  sysfs_.set("0000:01:00.0", "net/a_rep/phys_port_name", "pf0vf1\n");
  add_interface("0x1003\n", "1\n");
  EXPECT_EQ(facts().physical->interface, "eth0");
  EXPECT_EQ(facts().physical->driver, "igb");
}

TEST_F(ExplainHost, ThePfsInterfaceMayBeInAnotherNamespace) {
  sysfs_.move_interfaces_away("0000:01:00.0");
  EXPECT_TRUE(facts().physical->elsewhere);
  EXPECT_EQ(facts().physical->interface, "");
}

TEST_F(ExplainHost, PostedInterruptsAreThoseOfDoctor) {
  EXPECT_EQ(facts().posted, std::nullopt);
  proc_.write("cmdline", "intremap=nopost\n");
  EXPECT_EQ(facts().posted, false);
}

TEST_F(ExplainHost, AFunctionThatHasGoneHasNoPhysicalOne) { EXPECT_FALSE(facts("0000:01:10.4").physical); }

TEST_F(ExplainHost, AWholeCardHasNone) { EXPECT_FALSE(facts("0000:01:10.0").physical); }

class ExplainReport : public testing::Test {
 protected:
  ExplainReport() {
    device_.id = "0000:01:10.0";
    device_.guest = "0000:00:01.0";
    device_.on_bus = std::chrono::minutes(1);
    device_.function.emplace();
    device_.function->vendor = 0x8086;
    device_.function->device = 0x10ca;
    device_.function->device_class = 0x020000;
    device_.function->since_seen = std::chrono::minutes(1);
    for (unsigned bar = 0; bar < 6; ++bar) {
      vfio::BarFacts facts;
      facts.number = bar;
      facts.shape = {.kind = pci::BarKind::kMemory64, .prefetchable = false, .size = 0x4000};
      facts.address = 0x800000000000u + bar;
      device_.function->bars.push_back(facts);
    }
    host_.physical.emplace();
    host_.physical->interface = "eth0";
  }
  std::string text(bool colour = false) { return report_text(device_, host_, explain(device_, host_), colour); }

  DeviceFacts device_;
  HostFacts host_;
};

TEST_F(ExplainReport, NamesWhatFailedWhyAndWhatToDo) {
  EXPECT_THAT(text(), StartsWith("0000:01:10.0 (8086:10ca), VF 0 of eth0: does not work\n"));
  EXPECT_THAT(text(), HasSubstr("\n  FAILED   driver bound            no driver in the guest\n"));
  EXPECT_THAT(text(), HasSubstr("\ndriver bound: no driver in the guest\n  Why: Nothing in the guest has claimed 8086:10ca"));
  EXPECT_THAT(text(), HasSubstr("\n  Do:  In the guest: lspci -nnk -s 00:01.0"));
}

TEST_F(ExplainReport, FitsATerminalAndEndsNoLineWithABlank) {
  std::istringstream lines(text());
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 80u) << line;
    EXPECT_FALSE(line.ends_with(' ')) << line;
  }
}

TEST_F(ExplainReport, HasColourOnlyWhereItIsWanted) {
  EXPECT_EQ(text().find('\033'), std::string::npos);
  EXPECT_THAT(text(true), HasSubstr("\033[1;31mFAILED   \033[0m"));
}

TEST_F(ExplainReport, WhatMayBeWrongIsSaidWhereNothingFailed) {
  device_.function->command = 0x406;
  device_.function->msix = {.vectors = 1, .enabled = true, .function_masked = false, .unmasked = 1, .connected = 1, .working = 1};
  host_.interrupts = 1;
  host_.physical->settings.vlan = 7;
  EXPECT_THAT(text(), StartsWith("0000:01:10.0 (8086:10ca), VF 0 of eth0: works\n"));
  EXPECT_THAT(text(), HasSubstr("  Do:  If it hears nobody: strait vf set eth0 0 vlan=0"));
}

TEST_F(ExplainReport, ProgramsGetStepsAndFacts) {
  const nlohmann::json json = report_json(device_, host_, explain(device_, host_));
  EXPECT_EQ(json["address"], "0000:01:10.0");
  EXPECT_EQ(json["verdict"], "failed");
  EXPECT_EQ(json["failed_step"], "driver");
  EXPECT_EQ(json["steps"][0]["step"], "assigned");
  EXPECT_EQ(json["steps"][0]["status"], "ok");
  EXPECT_EQ(json["facts"]["function"]["vendor"], 0x8086);
  EXPECT_EQ(json["host"]["physical_function"]["interface"], "eth0");
  EXPECT_TRUE(json["host"]["interrupts"].is_null());
  EXPECT_TRUE(json["host"]["posted_interrupts"].is_null());
}

}  // namespace
}  // namespace strait
