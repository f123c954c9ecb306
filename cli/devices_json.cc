#include "cli/devices_json.h"

#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace strait {
namespace {

using host::Blocker;
using host::FunctionFacts;
using Json = nlohmann::ordered_json;

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

/// A number as pci.ids and lspci write it: hexadecimal, with its leading zeroes.
template <typename T>
Json digits(const std::optional<T>& value, int width) {
  return value ? Json(fmt::format("{:0{}x}", *value, width)) : Json(nullptr);
}

Json addresses(const std::vector<host::Bdf>& functions) {
  Json list = Json::array();
  for (const std::string& name : host::names_of(functions)) list.push_back(name);
  return list;
}

std::string_view name_of(Blocker::Kind kind) {
  switch (kind) {
    case Blocker::Kind::kBridge: return "bridge";
    case Blocker::Kind::kNoIommu: return "no_iommu";
    case Blocker::Kind::kHostDriver: return "host_driver";
    case Blocker::Kind::kNoDriver: return "no_driver";
    case Blocker::Kind::kSharedGroup: return "shared_group";
    case Blocker::Kind::kInUse: return "in_use";
  }
  return "";
}

Json interface(const host::InterfaceFacts& facts) {
  Json json;
  json["name"] = or_null(facts.name);
  json["in_this_namespace"] = facts.details.has_value();
  json["speed_mbps"] = or_null(facts.speed);
  if (!facts.details) return json;
  const host::NetworkInterface& details = *facts.details;
  json["up"] = details.up;
  json["carrier"] = details.carrier;
  json["mac"] = or_null(details.mac);
  json["permanent_mac"] = or_null(details.permanent_mac);
  json["mtu"] = details.mtu;
  json["addresses"] = details.addresses;
  json["default_route"] = details.default_route;
  json["master"] = or_null(details.master);
  return json;
}

Json sriov(const FunctionFacts& facts) {
  if (!facts.total_vfs && facts.virtual_functions.empty()) return nullptr;
  Json vfs = Json::array();
  for (const auto& vf : facts.virtual_functions) vfs.push_back({{"index", vf.index}, {"address", vf.bdf.to_string()}});
  return {{"total_vfs", or_null(facts.total_vfs)},
          {"num_vfs", facts.virtual_functions.size()},
          {"drivers_autoprobe", or_null(facts.drivers_autoprobe)},
          {"virtual_functions", std::move(vfs)}};
}

Json blocker(const Blocker& one) {
  return {{"kind", name_of(one.kind)}, {"reason", one.message}, {"remedy", one.remedy}, {"bind", addresses(one.bind)}};
}

Json function(const FunctionFacts& facts) {
  const host::PciIdentity& identity = facts.identity;
  const auto& interrupts = facts.interrupts;
  Json json;
  json["address"] = facts.bdf.to_string();
  json["iommu_group"] = or_null(facts.group);
  json["vendor_id"] = digits(identity.vendor, 4);
  json["device_id"] = digits(identity.device, 4);
  json["subsystem_vendor_id"] = digits(identity.subsystem_vendor, 4);
  json["subsystem_device_id"] = digits(identity.subsystem_device, 4);
  json["class_id"] = digits(identity.class_code, 6);
  json["revision"] = digits(identity.revision, 2);
  json["vendor"] = or_null(facts.vendor_name);
  json["device"] = or_null(facts.device_name);
  json["subsystem"] = or_null(facts.subsystem_name);
  json["class"] = or_null(facts.class_name);
  json["driver"] = or_null(facts.driver);
  json["bridge"] = facts.bridge;
  json["numa_node"] = or_null(facts.numa_node);
  json["physical_function"] = facts.physical_function ? Json(facts.physical_function->to_string()) : Json(nullptr);
  json["vf_index"] = or_null(facts.vf_index);
  json["sriov"] = sriov(facts);
  json["reset_methods"] = or_null(facts.reset_methods);
  json["interrupts"] = {{"intx", interrupts.pin ? Json(*interrupts.pin != 0) : Json(nullptr)},
                        {"intx_pin", interrupts.pin.value_or(0) != 0 ? Json(std::string(1, static_cast<char>('A' + *interrupts.pin - 1))) : Json(nullptr)},
                        {"msi_messages", or_null(interrupts.msi)},
                        {"msix_vectors", or_null(interrupts.msix)}};
  json["network_interfaces"] = Json::array();
  for (const auto& one : facts.interfaces) json["network_interfaces"].push_back(interface(one));
  json["in_use"] = or_null(facts.in_use);
  json["assignable"] = facts.blockers.empty();
  json["blockers"] = Json::array();
  for (const Blocker& one : facts.blockers) json["blockers"].push_back(blocker(one));
  return json;
}

}  // namespace

std::string devices_json(const host::Inventory& inventory) {
  Json json;
  json["iommu"] = {{"present", inventory.iommu}, {"units", inventory.iommu_units}};
  json["functions"] = Json::array();
  for (const FunctionFacts& facts : inventory.functions) json["functions"].push_back(function(facts));
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace strait
