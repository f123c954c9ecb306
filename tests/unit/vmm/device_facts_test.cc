// The facts on a function, as they go over the control socket.

#include "vmm/device_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/error_of.h"

namespace strait {
namespace {

using testing::HasSubstr;

DeviceFacts some_facts() {
  vfio::FunctionFacts function;
  function.vendor = 0x8086;
  function.device = 0x10ca;
  function.device_class = 0x020000;
  function.config_accesses = 99;
  function.since_seen = std::chrono::milliseconds(1500);
  function.command = 0x406;
  function.power_state = 3;
  function.withdrawn = true;
  function.resets = 2;
  function.bars = {{.number = 3,
                    .shape = {.kind = pci::BarKind::kMemory64, .prefetchable = true, .size = 0x4000},
                    .address = 0x4000000000,
                    .answers = vfio::BarFacts::Answers::kPartly,
                    .direct = true},
                   {.number = 5, .shape = {.kind = pci::BarKind::kIo, .prefetchable = false, .size = 0x20}, .address = 0x1000}};
  function.has_intx = true;
  function.msi = {.vectors = 1};
  function.msix = {.vectors = 3, .enabled = true, .function_masked = true, .unmasked = 2, .connected = 1, .working = 1};
  return {.id = "0000:01:10.0",
          .guest = "0000:00:01.0",
          .leaving = true,
          .wanted = true,
          .plugged = true,
          .on_bus = std::chrono::milliseconds(2500),
          .function = function};
}

TEST(DeviceFactsJson, ComesBackAsItWent) {
  DeviceFacts facts = some_facts();
  EXPECT_EQ(device_facts(nlohmann::json::parse(to_json(facts).dump())), facts);
  facts.function->since_seen.reset();
  EXPECT_EQ(device_facts(to_json(facts)), facts);
  facts.function.reset();
  EXPECT_EQ(device_facts(to_json(facts)), facts);
}

TEST(DeviceFactsJson, SaysThingsInWords) {
  const nlohmann::json json = to_json(some_facts());
  EXPECT_EQ(json["function"]["bars"][0]["kind"], "memory64");
  EXPECT_EQ(json["function"]["bars"][0]["answers"], "partly");
  EXPECT_EQ(json["function"]["since_seen_ms"], 1500);
}

TEST(DeviceFactsJson, WhatIsNotItIsRefused) {
  nlohmann::json json = to_json(some_facts());
  json["function"]["bars"][0]["kind"] = "spiral";
  EXPECT_THAT(test::error_of([&] { device_facts(json); }), HasSubstr("spiral"));
  json["function"].erase("msix");
  EXPECT_NE(test::error_of([&] { device_facts(json); }), "(no error)");
  for (const char* text : {"null", "{}", "[]", "{\"id\": 3}"}) {
    EXPECT_THAT(test::error_of([&] { device_facts(nlohmann::json::parse(text)); }), HasSubstr("use the same version")) << text;
  }
}

}  // namespace
}  // namespace strait
