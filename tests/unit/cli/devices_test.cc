#include "cli/devices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "binding/lock.h"
#include "cli/devices_json.h"
#include "cli/devices_text.h"
#include "tests/fakes/fake_machine.h"
#include "tests/unit/as_nobody.h"
#include "tests/unit/error_of.h"

namespace strait {
namespace {

using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Line = std::vector<const char*>;

constexpr Screen kPlain = {.colour = false, .unicode = false}, kTree = {.colour = false, .unicode = true};

constexpr const char* kGolden = R"(IOMMU Intel VT-d: 7 functions, 1 assignable now, 6 once bound to vfio-pci.

GROUP     FUNCTION      NAME                                              DRIVER
    3 ─ ✗ 0000:00:14.0  Intel 100 Series/C230 Series Chipset Family...  xhci_hcd
          USB controller 8086:a12f rev 01 · INTA, MSI 8 · no reset
          bound to the host driver xhci_hcd → strait bind 0000:00:14.0
    1 ┬ ✗ 0000:01:00.0  NVIDIA GP107 [GeForce GTX 1050 Ti]               nouveau
      │   VGA compatible controller 10de:1c82 rev 01 · INTA, MSI 1 · reset bus
      │   bound to the host driver nouveau; shares its group with 0000:01:00.1
      │   (snd_hda_intel)
      │   → strait bind 0000:01:00.0 0000:01:00.1
      └ ✗ 0000:01:00.1  NVIDIA GP107GL High Definition Audio C...  snd_hda_intel
          Audio device 10de:0fb9 rev 01 · INTB, MSI 1 · reset bus
          bound to the host driver snd_hda_intel; shares its group with
          0000:01:00.0 (nouveau)
          → strait bind 0000:01:00.0 0000:01:00.1
   14 ─ ✗ 0000:02:00.0  Intel I350 Gigabit Network Connection                igb
          Ethernet controller 8086:1521 rev 01
          2 of 7 VFs: 0000:02:10.0, 0000:02:10.4 · INTA, MSI 1, MSI-X 10
          reset flr, bus · NUMA node 0
          enp2s0f0: up, 1000 Mb/s, a0:36:9f:12:34:56, 192.0.2.10/24,
          2001:db8::a236:9fff:fe12:3456/64, fe80::a236:9fff:fe12:3456/64,
          default route
          bound to the host driver igb as enp2s0f0 → strait bind 0000:02:00.0
   30 ─ ✓ 0000:02:10.0  Intel I350 Ethernet Controller Virtual Func...  vfio-pci
          Ethernet controller 8086:1520 rev 01 · VF 0 of 0000:02:00.0 · MSI-X 3
          reset flr
   31 ─ ✗ 0000:02:10.4  Intel I350 Ethernet Controller Virtual Function        -
          Ethernet controller 8086:1520 rev 01 · VF 1 of 0000:02:00.0 · MSI-X 3
          reset flr
          bound to no driver → strait bind 0000:02:10.4
   15 ─ ✗ 0000:03:00.0  Samsung Electronics NVMe SSD Controller SM981/P...  nvme
          Non-Volatile memory controller 144d:a808 rev 01
          INTA, MSI 32, MSI-X 33 · reset flr, bus
          bound to the host driver nvme → strait bind 0000:03:00.0
)";

std::string without_colours(std::string text) {
  for (std::size_t at; (at = text.find('\x1b')) != std::string::npos;) text.erase(at, text.find('m', at) - at + 1);
  return text;
}

void expect_to_fit(const std::string& text) {
  std::istringstream lines(without_colours(text));
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(columns_of(line), kScreenColumns) << line;
    EXPECT_FALSE(line.ends_with(' ')) << line;
  }
}

/// Function `bdf` of nothing but its address.
host::FunctionFacts bare(const char* bdf) {
  host::FunctionFacts facts;
  facts.bdf = host::Bdf::parse(bdf);
  return facts;
}

TEST(DevicesText, AMachineAsATree) { EXPECT_EQ(devices_text(test::FakeMachine().inventory(), kTree), kGolden); }

TEST(DevicesText, ColourChangesNothingElse) {
  const test::FakeMachine machine;
  const std::string text = devices_text(machine.inventory(), {.colour = true, .unicode = true});
  EXPECT_THAT(text, HasSubstr("\x1b[32m✓\x1b[0m \x1b[1m0000:02:10.0\x1b[0m"));
  EXPECT_EQ(without_colours(text), kGolden);
}

TEST(DevicesText, WithoutUnicodeTheTreeIsOfPlainCharacters) {
  const std::string text = devices_text(test::FakeMachine().inventory(), kPlain);
  EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
  EXPECT_THAT(text, HasSubstr("    1 . x 0000:01:00.0  NVIDIA GP107"));
  EXPECT_THAT(text, HasSubstr("      ' x 0000:01:00.1  NVIDIA GP107GL"));
  expect_to_fit(text);
}

TEST(DevicesText, WithoutNamesThereAreNumbers) {
  const std::string text = devices_text(test::FakeMachine().inventory(true, false), kPlain);
  EXPECT_THAT(text, HasSubstr("   14 - x 0000:02:00.0  device 8086:1521"));
  EXPECT_THAT(text, HasSubstr("\n          class 0200 rev 01; 2 of 7 VFs: 0000:02:10.0, 0000:02:10.4\n"));
  EXPECT_THAT(text, HasSubstr("\n\nNames come from /usr/share/misc/pci.ids, which is missing here.\n"));
  expect_to_fit(text);
}

TEST(DevicesText, BridgesSayWhatTheyAre) {
  const std::string text = devices_text(test::FakeMachine().inventory(true), kPlain);
  EXPECT_THAT(text, HasSubstr("a bridge, which is no device for a guest\n"));
  EXPECT_THAT(text, Not(testing::ContainsRegex("strait bind 0000:00:1[cf]")));
  expect_to_fit(text);
}

TEST(DevicesText, WithoutAnIommuItIsSaidOnce) {
  host::Inventory inventory = test::FakeMachine().inventory();
  inventory.iommu = false;
  for (auto& facts : inventory.functions) {
    facts.group.reset();
    facts.blockers.insert(facts.blockers.begin(), {.kind = host::Blocker::Kind::kNoIommu, .message = "", .brief = "no IOMMU", .remedy = "", .bind = {}});
  }
  const std::string text = devices_text(inventory, kPlain);
  EXPECT_THAT(text, testing::StartsWith("No IOMMU: nothing can be assigned. Enable VT-d or AMD-Vi in the firmware set-up\n"
                                        "and boot the host with intel_iommu=on (AMD needs no option); strait doctor looks\ncloser.\n\nGROUP "));
  EXPECT_THAT(text, HasSubstr("    - - x 0000:01:00.1  NVIDIA GP107GL"));
  EXPECT_THAT(text, Not(HasSubstr("->")));
  expect_to_fit(text);
}

/// Where others have a group, one without is told why.
TEST(DevicesText, AFunctionThatNoIommuTranslatesForHasTheRemedyBeneath) {
  host::Inventory inventory{.iommu_units = {"ivhd0"}, .iommu = true, .names = true, .functions = {bare("10000:e1:00.0"), bare("00:01.0")}};
  inventory.functions[0].blockers = {
      {.kind = host::Blocker::Kind::kNoIommu, .message = "", .brief = "no IOMMU translates for it", .remedy = "enable it", .bind = {}}};
  EXPECT_EQ(devices_text(inventory, kPlain),
            "IOMMU AMD-Vi: 2 functions, 1 assignable now, 0 once bound to vfio-pci.\n"
            "\n"
            "GROUP     FUNCTION       NAME                                             DRIVER\n"
            "    - - + 0000:00:01.0   unknown                                               -\n"
            "          INTx ?, MSI ?, MSI-X ?; can be reset\n"
            "    - - x 10000:e1:00.0  unknown                                               -\n"
            "          INTx ?, MSI ?, MSI-X ?; can be reset\n"
            "          no IOMMU translates for it -> enable it\n"
            "\n"
            "MSI and MSI-X ?: only root may read that far.\n");
}

TEST(DevicesText, ManyVirtualFunctionsAreARangeInTheirOrder) {
  host::Inventory inventory{.iommu_units = {}, .iommu = true, .names = true, .functions = {bare("01:00.0"), bare("01:00.1"), bare("01:10.0"), bare("01:10.1")}};
  for (unsigned i = 0; i < 8; ++i) inventory.functions[0].virtual_functions.push_back({i, host::Bdf{0, 1, 0x10, static_cast<std::uint8_t>(i)}});
  inventory.functions[2].physical_function = inventory.functions[3].physical_function = host::Bdf::parse("01:00.0");
  inventory.functions[2].vf_index = 0;
  const std::string text = devices_text(inventory, kPlain);
  EXPECT_THAT(text, HasSubstr("8 VFs: 0000:01:10.0 to 0000:01:10.7; "));
  EXPECT_THAT(text, HasSubstr("VF ? of 0000:01:00.0"));
  EXPECT_LT(text.find("- + 0000:01:10.1"), text.find("- + 0000:01:00.1")) << "beside the physical function";
}

TEST(DevicesText, InterfacesSayWhatHoldsThem) {
  host::Inventory inventory{.iommu_units = {}, .iommu = true, .names = true, .functions = {bare("01:00.0")}};
  host::NetworkInterface down, port;
  port.up = true;
  port.master = "br0";
  inventory.functions[0].interfaces = {{"eth0", down, {}}, {"eth1", port, {}}, {"eth2", {}, {}}, {}};
  const std::string text = devices_text(inventory, kPlain);
  EXPECT_THAT(text, HasSubstr("\n          eth0: down\n"
                              "          eth1: up, no carrier, in br0\n"
                              "          eth2: in another network namespace\n"
                              "          an interface: in another network namespace\n"));
}

/// Whatever the names are, and however long.
TEST(DevicesText, ItAlwaysFits) {
  host::Inventory inventory = test::FakeMachine().inventory(true);
  for (const std::string& name : {std::string(300, 'x'), std::string("é ", 3) + std::string(90, 'y'), std::string("a b ") + std::string(76, 'z'), std::string(" ")}) {
    for (auto& facts : inventory.functions) {
      facts.vendor_name = facts.device_name = facts.class_name = facts.driver = name;
      facts.reset_methods = std::vector(9, name);
      facts.interfaces.push_back({name, {}, 1});
    }
    const std::string text = devices_text(inventory, kTree);
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(columns_of(line), kScreenColumns) << line;
    for (const auto& facts : inventory.functions) EXPECT_THAT(text, HasSubstr(facts.bdf.to_string()));
  }
  EXPECT_EQ(devices_text({}, kTree).find("GROUP"), std::string::npos) << "nothing to list";
}

TEST(DevicesJson, NamesAreStable) {
  const nlohmann::json json = nlohmann::json::parse(devices_json(test::FakeMachine().inventory()));
  EXPECT_EQ(json["iommu"], (nlohmann::json{{"present", true}, {"units", nlohmann::json::array({"dmar0"})}}));
  ASSERT_EQ(json["functions"].size(), 7u);
  const auto& pf = json["functions"][3];
  EXPECT_EQ(pf["address"], "0000:02:00.0");
  EXPECT_EQ(pf["iommu_group"], 14);
  EXPECT_EQ(pf["vendor_id"], "8086");
  EXPECT_EQ(pf["device_id"], "1521");
  EXPECT_EQ(pf["subsystem_vendor_id"], "8086");
  EXPECT_EQ(pf["subsystem_device_id"], "0001");
  EXPECT_EQ(pf["class_id"], "020000");
  EXPECT_EQ(pf["revision"], "01");
  EXPECT_EQ(pf["subsystem"], "Ethernet Server Adapter I350-T4");
  EXPECT_EQ(pf["driver"], "igb");
  EXPECT_EQ(pf["numa_node"], 0);
  EXPECT_EQ(pf["sriov"]["total_vfs"], 7);
  EXPECT_EQ(pf["sriov"]["num_vfs"], 2);
  EXPECT_EQ(pf["sriov"]["drivers_autoprobe"], false);
  EXPECT_EQ(pf["sriov"]["virtual_functions"][1], (nlohmann::json{{"index", 1}, {"address", "0000:02:10.4"}}));
  EXPECT_EQ(pf["reset_methods"], (nlohmann::json{"flr", "bus"}));
  EXPECT_EQ(pf["interrupts"], (nlohmann::json{{"intx", true}, {"intx_pin", "A"}, {"msi_messages", 1}, {"msix_vectors", 10}}));
  EXPECT_EQ(pf["network_interfaces"][0]["name"], "enp2s0f0");
  EXPECT_EQ(pf["network_interfaces"][0]["default_route"], true);
  EXPECT_EQ(pf["assignable"], false);
  EXPECT_EQ(pf["blockers"][0]["kind"], "host_driver");
  EXPECT_EQ(pf["blockers"][0]["bind"][0], "0000:02:00.0");
  const auto& vf = json["functions"][4];
  EXPECT_EQ(vf["physical_function"], "0000:02:00.0");
  EXPECT_EQ(vf["vf_index"], 0);
  EXPECT_EQ(vf["sriov"], nullptr);
  EXPECT_EQ(vf["interrupts"]["intx"], false);
  EXPECT_EQ(vf["assignable"], true);
  EXPECT_THAT(vf["blockers"], IsEmpty());
}

/// The machine with whatever its VF's user is.
class DevicesInUse : public testing::Test {
 protected:
  DevicesInUse() {
    place_.write("proc/4711/comm", "qemu-system-x86\n");
    std::filesystem::create_directories(place_.path() / "proc/4711/fd");
  }
  host::Inventory inventory() {
    host::Inventory inventory = machine_.inventory();
    const binding::Host host = {.sysfs = machine_.root(), .devfs = place_.path() / "dev", .run = place_.path() / "run"};
    add_users(inventory, host::OpenDevices(place_.path() / "proc"), host);
    return inventory;
  }
  nlohmann::json vf_json() { return nlohmann::json::parse(devices_json(inventory()))["functions"][4]; }

  const test::FakeMachine machine_;
  const test::TemporaryDirectory place_;
};

TEST_F(DevicesInUse, WhatNobodyHasStaysAssignable) {
  EXPECT_EQ(devices_text(inventory(), kTree), kGolden);
  EXPECT_EQ(vf_json()["in_use"], false);
}

TEST_F(DevicesInUse, WhatARunHasIsNotAssignable) {
  const auto lock = binding::Lock::try_take(host::Bdf::parse("02:10.0"), place_.path() / "run");
  const std::string user = fmt::format("strait, process {}", ::getpid());
  const std::string text = devices_text(inventory(), kPlain);
  EXPECT_THAT(text, testing::StartsWith("IOMMU Intel VT-d: 7 functions, 0 assignable now, 6 once bound to vfio-pci.\n"));
  EXPECT_THAT(text, HasSubstr("- x 0000:02:10.0"));
  EXPECT_THAT(text, HasSubstr("\n          in use by " + user + "\n          -> end that one first, or choose another function\n"));
  expect_to_fit(text);
  const auto vf = vf_json();
  EXPECT_EQ(vf["assignable"], false);
  EXPECT_EQ(vf["in_use"], true);
  EXPECT_EQ(vf["blockers"][0]["kind"], "in_use");
  EXPECT_EQ(vf["blockers"][0]["reason"], "0000:02:10.0 is in use by " + user);
  EXPECT_THAT(vf["blockers"][0]["bind"], IsEmpty());
}

TEST_F(DevicesInUse, WhatAnotherProgramHasOpenIsNotAssignable) {
  std::filesystem::create_directories(place_.path() / "dev/vfio");
  std::filesystem::create_symlink("/dev/zero", place_.path() / "dev/vfio/30");
  std::filesystem::create_symlink("/dev/zero", place_.path() / "proc/4711/fd/7");
  EXPECT_THAT(devices_text(inventory(), kPlain), HasSubstr("in use by qemu-system-x86, process 4711\n"));
}

TEST_F(DevicesInUse, AnOrdinaryUserIsToldWhatOnlyRootCanTell) {
  std::filesystem::permissions(place_.path(), std::filesystem::perms(0755));
  std::filesystem::permissions(place_.path() / "proc/4711/fd", std::filesystem::perms::none);
  std::filesystem::permissions(machine_.root(), std::filesystem::perms(0755));
  const test::AsNobody nobody;
  if (!nobody.works()) GTEST_SKIP() << "this process can be nobody else";
  EXPECT_EQ(vf_json()["in_use"], nullptr);
  EXPECT_THAT(devices_text(inventory(), kPlain),
              HasSubstr("\n\nWhether somebody else's process has a function of vfio-pci, only root can tell.\n"));
}

TEST(DevicesJson, WhatIsUnknownIsNull) {
  const host::Inventory inventory{.iommu_units = {}, .iommu = false, .names = false, .functions = {bare("01:00.0")}};
  const nlohmann::json json = nlohmann::json::parse(devices_json(inventory));
  const auto& function = json["functions"][0];
  for (const char* name : {"iommu_group", "vendor_id", "class_id", "vendor", "device", "driver", "numa_node", "physical_function", "sriov", "reset_methods"}) {
    EXPECT_TRUE(function.at(name).is_null()) << name;
  }
  EXPECT_TRUE(function["interrupts"]["msi_messages"].is_null());
  EXPECT_EQ(json["iommu"]["present"], false);
}

TEST(DevicesJson, AnInterfaceOfAnotherNamespaceHasNoName) {
  host::Inventory inventory{.iommu_units = {}, .iommu = false, .names = false, .functions = {bare("01:00.0")}};
  inventory.functions[0].interfaces.emplace_back();
  const auto interface = nlohmann::json::parse(devices_json(inventory))["functions"][0]["network_interfaces"][0];
  EXPECT_TRUE(interface["name"].is_null());
  EXPECT_EQ(interface["in_this_namespace"], false);
}

TEST(DevicesRequestTest, WordsAreAddressesAndOptions) {
  const DevicesRequest request = DevicesRequest::parse(Line{"01:10.0", "--json", "eth0", "--all"});
  EXPECT_THAT(request.addresses, ElementsAre("01:10.0", "eth0"));
  EXPECT_TRUE(request.json && request.all);
  EXPECT_FALSE(DevicesRequest::parse(Line{}).json);
  EXPECT_THAT(error_of<UsageError>([] { DevicesRequest::parse(Line{"--tree"}); }), HasSubstr("unrecognised option '--tree'"));
}

TEST(DevicesRequestTest, BridgesComeWhereTheyAreAskedFor) {
  const test::FakeMachine machine;
  const auto functions = [&](const Line& words) { return host::names_of(DevicesRequest::parse(words).functions(machine.root())); };
  EXPECT_EQ(functions({}).size(), 7u);
  EXPECT_EQ(functions({"--all"}).size(), 9u);
  EXPECT_THAT(functions({"00:1c.0"}), ElementsAre("0000:00:1c.0"));
  EXPECT_THAT(functions({"group:1", "pci_0000_01_00_0"}), ElementsAre("0000:01:00.0", "0000:01:00.1")) << "each once";
  EXPECT_EQ(error_of([&] { functions({"07:00.0"}); }), "there is no PCI function 0000:07:00.0 on this host; strait devices --all lists those there are");
}

}  // namespace
}  // namespace strait
