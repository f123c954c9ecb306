#include "vmm/device_facts.h"

#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace strait {
namespace {

using Json = nlohmann::json;
using pci::BarKind;
using vfio::BarFacts;
using vfio::FunctionFacts;
using vfio::MessageFacts;

template <typename Value, std::size_t kCount>
using Names = std::array<std::pair<Value, std::string_view>, kCount>;

constexpr Names<BarKind, 4> kKinds = {{{BarKind::kNone, "none"}, {BarKind::kIo, "io"}, {BarKind::kMemory32, "memory32"}, {BarKind::kMemory64, "memory64"}}};
constexpr Names<BarFacts::Answers, 3> kAnswers = {
    {{BarFacts::Answers::kNowhere, "nowhere"}, {BarFacts::Answers::kPartly, "partly"}, {BarFacts::Answers::kEverywhere, "everywhere"}}};

template <typename Value, std::size_t kCount>
std::string_view name_of(const Names<Value, kCount>& names, Value value) {
  for (const auto& [one, name] : names) {
    if (one == value) return name;
  }
  return names[0].second;
}

template <typename Value, std::size_t kCount>
Value value_of(const Names<Value, kCount>& names, const std::string& text) {
  for (const auto& [value, name] : names) {
    if (name == text) return value;
  }
  throw Error(fmt::format("it says \"{}\"", text));
}

Json to_json(const MessageFacts& facts) {
  return {{"vectors", facts.vectors},   {"enabled", facts.enabled},     {"function_masked", facts.function_masked},
          {"unmasked", facts.unmasked}, {"connected", facts.connected}, {"working", facts.working}};
}

MessageFacts message_facts(const Json& json) {
  return {.vectors = json.at("vectors"),
          .enabled = json.at("enabled"),
          .function_masked = json.at("function_masked"),
          .unmasked = json.at("unmasked"),
          .connected = json.at("connected"),
          .working = json.at("working")};
}

Json to_json(const BarFacts& facts) {
  return {{"bar", facts.number},
          {"kind", name_of(kKinds, facts.shape.kind)},
          {"prefetchable", facts.shape.prefetchable},
          {"size", facts.shape.size},
          {"address", facts.address},
          {"answers", name_of(kAnswers, facts.answers)},
          {"direct", facts.direct}};
}

BarFacts bar_facts(const Json& json) {
  BarFacts facts;
  facts.number = json.at("bar");
  facts.shape = {.kind = value_of(kKinds, json.at("kind")), .prefetchable = json.at("prefetchable"), .size = json.at("size")};
  facts.address = json.at("address");
  facts.answers = value_of(kAnswers, json.at("answers"));
  facts.direct = json.at("direct");
  return facts;
}

Json to_json(const FunctionFacts& facts) {
  Json bars = Json::array();
  for (const BarFacts& bar : facts.bars) bars.push_back(to_json(bar));
  return {{"vendor", facts.vendor},
          {"device", facts.device},
          {"class", facts.device_class},
          {"config_accesses", facts.config_accesses},
          {"since_seen_ms", facts.since_seen ? Json(facts.since_seen->count()) : Json()},
          {"present", facts.present},
          {"command", facts.command},
          {"power_state", facts.power_state},
          {"withdrawn", facts.withdrawn},
          {"resets", facts.resets},
          {"bars", bars},
          {"intx", {{"offered", facts.has_intx}, {"on", facts.intx_on}}},
          {"msi", to_json(facts.msi)},
          {"msix", to_json(facts.msix)}};
}

FunctionFacts function_facts(const Json& json) {
  FunctionFacts facts;
  facts.vendor = json.at("vendor");
  facts.device = json.at("device");
  facts.device_class = json.at("class");
  facts.config_accesses = json.at("config_accesses");
  if (const Json& since = json.at("since_seen_ms"); !since.is_null()) facts.since_seen = std::chrono::milliseconds(since.get<std::int64_t>());
  facts.present = json.at("present");
  facts.command = json.at("command");
  facts.power_state = json.at("power_state");
  facts.withdrawn = json.at("withdrawn");
  facts.resets = json.at("resets");
  for (const Json& bar : json.at("bars")) facts.bars.push_back(bar_facts(bar));
  facts.has_intx = json.at("intx").at("offered");
  facts.intx_on = json.at("intx").at("on");
  facts.msi = message_facts(json.at("msi"));
  facts.msix = message_facts(json.at("msix"));
  return facts;
}

}  // namespace

Json to_json(const DeviceFacts& facts) {
  return {{"id", facts.id},
          {"bdf", facts.guest},
          {"leaving", facts.leaving},
          {"wanted", facts.wanted},
          {"plugged", facts.plugged},
          {"on_bus_ms", facts.on_bus.count()},
          {"function", facts.function ? to_json(*facts.function) : Json()}};
}

DeviceFacts device_facts(const Json& json) {
  try {
    DeviceFacts facts;
    facts.id = json.at("id");
    facts.guest = json.at("bdf");
    facts.leaving = json.at("leaving");
    facts.wanted = json.at("wanted");
    facts.plugged = json.at("plugged");
    facts.on_bus = std::chrono::milliseconds(json.at("on_bus_ms").get<std::int64_t>());
    if (const Json& function = json.at("function"); !function.is_null()) facts.function = function_facts(function);
    return facts;
  } catch (const std::exception& error) {
    throw Error(fmt::format("what the running strait tells of a function cannot be read: {}", error.what()), "use the same version of strait");
  }
}

}  // namespace strait
