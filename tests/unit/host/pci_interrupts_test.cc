#include "host/pci_interrupts.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "base/little_endian.h"

namespace strait::host {
namespace {

/// A function with INTA and an empty list of capabilities.
std::vector<std::uint8_t> plain_config() {
  std::vector<std::uint8_t> config(256);
  store<std::uint16_t>(config, 0, 0x8086);
  store<std::uint16_t>(config, 6, 0x10);
  config[0x3d] = 1;
  return config;
}

void add_capability(std::vector<std::uint8_t>& config, std::uint8_t at, std::uint8_t id, std::uint8_t next, std::uint16_t control) {
  config[at] = id;
  config[at + 1u] = next;
  store(config, at + 2u, control);
}

TEST(PciInterrupts, CountsAreThoseOfTheCapabilities) {
  auto config = plain_config();
  config[0x34] = 0x40;
  add_capability(config, 0x40, 0x01, 0x50, 0);       // power management
  add_capability(config, 0x50, 0x05, 0x70, 0x0088);  // MSI: 2^4 messages
  add_capability(config, 0x70, 0x11, 0x00, 0x8009);  // MSI-X: 10 vectors, enabled
  EXPECT_EQ(interrupts_of(config), (PciInterrupts{.pin = 1, .msi = 16, .msix = 10}));
}

TEST(PciInterrupts, AVirtualFunctionHasNoIdentityOfItsOwn) {
  auto config = plain_config();
  store<std::uint32_t>(config, 0, 0xffffffff);
  config[0x3d] = 0;
  config[0x34] = 0x70;
  add_capability(config, 0x70, 0x11, 0x00, 0x0002);
  EXPECT_EQ(interrupts_of(config), (PciInterrupts{.pin = 0, .msi = 0, .msix = 3}));
}

TEST(PciInterrupts, WhatTheListDoesNotHaveTheFunctionHasNot) {
  auto config = plain_config();
  EXPECT_EQ(interrupts_of(config), (PciInterrupts{.pin = 1, .msi = 0, .msix = 0}));
  config[0x34] = 0x40;
  config[6] = 0;
  add_capability(config, 0x40, 0x05, 0, 0);
  EXPECT_EQ(interrupts_of(config), (PciInterrupts{.pin = 1, .msi = 0, .msix = 0})) << "the status register knows of no list";
  config[0x3d] = 0;
  EXPECT_EQ(interrupts_of(config).pin, 0u);
}

TEST(PciInterrupts, WhereOnlyTheHeaderCanBeReadCountsAreUnknown) {
  auto config = plain_config();
  config.resize(64);
  EXPECT_EQ(interrupts_of(config), (PciInterrupts{.pin = 1, .msi = 0, .msix = 0})) << "but for a function without a list";
  config[0x34] = 0x40;
  EXPECT_EQ(interrupts_of(config), (PciInterrupts{.pin = 1, .msi = {}, .msix = {}}));
}

TEST(PciInterrupts, WhatMakesNoSenseIsUnknown) {
  EXPECT_EQ(interrupts_of({}), PciInterrupts());
  EXPECT_EQ(interrupts_of(std::vector<std::uint8_t>(63)), PciInterrupts());
  EXPECT_EQ(interrupts_of(std::vector<std::uint8_t>(256, 0xff)), PciInterrupts()) << "no answer";
  auto config = plain_config();
  config[0x3d] = 5;
  config[0x34] = 0x40;
  add_capability(config, 0x40, 0x05, 0x40, 0x000e);  // reserved count, and a loop
  EXPECT_EQ(interrupts_of(config), (PciInterrupts{.pin = {}, .msi = 32, .msix = {}}));
  config[0x34] = 0x10;
  EXPECT_EQ(interrupts_of(config), PciInterrupts()) << "a list inside the header";
  config = plain_config();
  config[0x0e] = 0x82;
  EXPECT_EQ(interrupts_of(config), (PciInterrupts{.pin = 1, .msi = {}, .msix = {}})) << "a CardBus bridge";
}

/// The last capability that fits, and every pointer there can be.
TEST(PciInterrupts, TheListEndsWithConfigurationSpace) {
  auto config = plain_config();
  config[0x34] = 0xfc;
  add_capability(config, 0xfc, 0x11, 0, 0);
  EXPECT_EQ(interrupts_of(config).msix, 1u);
  for (unsigned size = 0; size <= 256; ++size) {
    for (unsigned pointer = 0; pointer < 256; ++pointer) {
      config[0x34] = static_cast<std::uint8_t>(pointer);
      interrupts_of(std::span(config).first(size));
    }
  }
}

}  // namespace
}  // namespace strait::host
