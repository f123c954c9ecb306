#include "host/inventory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/fake_machine.h"

namespace strait::host {
namespace {

using testing::ElementsAre;

const FunctionFacts& find(const Inventory& inventory, const char* bdf) {
  return *std::ranges::find(inventory.functions, Bdf::parse(bdf), &FunctionFacts::bdf);
}

TEST(InventoryTest, FactsOfAFunctionAreTogether) {
  const test::FakeMachine machine;
  const Inventory inventory = machine.inventory();
  EXPECT_TRUE(inventory.iommu);
  EXPECT_TRUE(inventory.names);
  EXPECT_THAT(inventory.iommu_units, ElementsAre("dmar0"));
  ASSERT_EQ(inventory.functions.size(), 7u);

  const FunctionFacts& pf = find(inventory, "02:00.0");
  EXPECT_EQ(pf.group, 14u);
  EXPECT_EQ(pf.vendor_name, "Intel Corporation");
  EXPECT_EQ(pf.device_name, "I350 Gigabit Network Connection");
  EXPECT_EQ(pf.subsystem_name, "Ethernet Server Adapter I350-T4");
  EXPECT_EQ(pf.class_name, "Ethernet controller");
  EXPECT_EQ(pf.driver, "igb");
  EXPECT_EQ(pf.numa_node, 0u);
  EXPECT_EQ(pf.total_vfs, 7u);
  EXPECT_EQ(pf.drivers_autoprobe, false);
  EXPECT_EQ(pf.virtual_functions.size(), 2u);
  EXPECT_THAT(pf.reset_methods.value(), ElementsAre("flr", "bus"));
  EXPECT_EQ(pf.interrupts, (PciInterrupts{.pin = 1, .msi = 1, .msix = 10}));
  ASSERT_EQ(pf.interfaces.size(), 1u);
  EXPECT_EQ(pf.interfaces[0].name, "enp2s0f0");
  EXPECT_EQ(pf.interfaces[0].details->mac, "a0:36:9f:12:34:56");
  EXPECT_EQ(pf.interfaces[0].speed, 1000u);
  EXPECT_EQ(pf.blockers.size(), 1u);

  const FunctionFacts& vf = find(inventory, "02:10.4");
  EXPECT_EQ(vf.physical_function, Bdf::parse("02:00.0"));
  EXPECT_EQ(vf.vf_index, 1u);
  EXPECT_TRUE(find(inventory, "02:10.0").blockers.empty());
}

/// The rules are those by which a run takes a device or refuses it.
TEST(InventoryTest, TheVerdictIsThatOfARun) {
  const test::FakeMachine machine;
  for (const FunctionFacts& facts : machine.inventory(true).functions) {
    bool refused = false;
    try {
      check_assignable(PciFunction(facts.bdf, machine.root()));
    } catch (const Error&) {
      refused = true;
    }
    EXPECT_EQ(refused, !facts.blockers.empty()) << facts.bdf.to_string();
  }
}

TEST(InventoryTest, AFunctionThatHasGoneIsLeftOut) {
  const test::FakeMachine machine;
  const InventorySources sources{.sysfs = machine.root(), .pci_ids = {}, .interface = test::FakeMachine::interface};
  const Inventory inventory = take_inventory({Bdf::parse("02:00.0"), Bdf::parse("07:00.0")}, sources);
  EXPECT_EQ(inventory.functions.size(), 1u);
  EXPECT_FALSE(inventory.names);
}

TEST(InventoryTest, AnInterfaceThatCannotBeReadHasItsName) {
  test::FakeMachine machine;
  InventorySources sources{.sysfs = machine.root(), .pci_ids = {}, .interface = [](const std::string&) { return std::nullopt; }};
  for (const char* speed : {"-1\n", "4294967295\n", "0\n", "", "fast"}) {
    machine.sysfs().set("0000:02:00.0", "net/enp2s0f0/speed", speed);
    const InterfaceFacts elsewhere = take_inventory({Bdf::parse("02:00.0")}, sources).functions[0].interfaces[0];
    EXPECT_EQ(elsewhere.name, "enp2s0f0");
    EXPECT_FALSE(elsewhere.details);
    EXPECT_EQ(elsewhere.speed, std::nullopt) << speed;
  }
  sources.interface = [](const std::string&) -> std::optional<NetworkInterface> { throw Error("no netlink"); };
  EXPECT_FALSE(take_inventory({Bdf::parse("02:00.0")}, sources).functions[0].interfaces[0].details);
}

TEST(InventoryTest, AnInterfaceOfAnotherNamespaceIsThereWithoutAName) {
  test::FakeMachine machine;
  machine.sysfs().move_interfaces_away("0000:02:00.0");
  const auto interfaces = find(machine.inventory(), "02:00.0").interfaces;
  ASSERT_EQ(interfaces.size(), 1u);
  EXPECT_EQ(interfaces[0].name, "");
  EXPECT_FALSE(interfaces[0].details);
  EXPECT_TRUE(find(machine.inventory(), "02:10.0").interfaces.empty()) << "a function that has none has no such directory";
}

TEST(InventoryTest, AnIommuIsThereWhereThereAreGroupsOfIt) {
  const test::TemporaryDirectory nothing;
  const auto has_iommu = [](const std::filesystem::path& sysfs) {
    return take_inventory({}, {.sysfs = sysfs, .pci_ids = {}, .interface = test::FakeMachine::interface}).iommu;
  };
  EXPECT_FALSE(has_iommu(nothing.path()));
  nothing.write("kernel/iommu_groups/0/name", "vfio-noiommu\n");
  EXPECT_FALSE(has_iommu(nothing.path()));
  nothing.write("kernel/iommu_groups/1/name", "\n");
  EXPECT_TRUE(has_iommu(nothing.path()));
}

/// Each file of a function in turn is missing, a directory, empty or garbage.
TEST(InventoryTest, WhatMakesNoSenseIsUnknownAndNoError) {
  namespace fs = std::filesystem;
  const fs::path function = "devices/pci0000:00/0000:02:00.0";
  test::FakeMachine machine;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(machine.root() / function)) files.push_back(entry.path());
  EXPECT_GE(files.size(), 14u);
  const fs::path aside = machine.root() / "aside";
  for (const fs::path& file : files) {
    const std::string name = file.filename();
    fs::rename(file, aside);
    for (const int how : {0, 1, 2, 3, 4}) {
      if (how == 1) fs::create_directory(machine.root() / function / name);
      if (how == 2) machine.sysfs().set("0000:02:00.0", name, "");
      if (how == 3) machine.sysfs().set("0000:02:00.0", name, std::string("\xff\0\x1b[31m\n\n", 9) + std::string(5000, 'x'));
      if (how == 4) machine.sysfs().link("0000:02:00.0", name, "../../" + std::string(200, 'x'));
      EXPECT_EQ(machine.inventory(true).functions.size(), 9u) << name << " " << how;
      fs::remove_all(file);
    }
    fs::rename(aside, file);
  }
}

}  // namespace
}  // namespace strait::host
