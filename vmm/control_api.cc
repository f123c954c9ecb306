#include "vmm/control_api.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/log.h"

namespace strait {
namespace {

using Response = ControlServer::Response;
using Json = nlohmann::json;

std::string required_text(const Json& body, const char* name) {
  if (!body.is_object() || !body.contains(name) || !body[name].is_string()) throw UsageError(fmt::format("the body has no text \"{}\"", name));
  return body[name];
}

Response ping(Machine&, const Json&) { return {.body = Json{{"version", STRAIT_VERSION}}.dump()}; }

Response info(Machine& machine, const Json&) {
  Json devices = Json::array();
  for (const DeviceSpec& device : machine.devices()) {
    devices.push_back({{"id", device.bdf.to_string()},
                       {"path", "/sys/bus/pci/devices/" + device.bdf.to_string()},
                       {"bdf", device.address.to_string()},
                       {"leaving", machine.is_leaving(device)}});
  }
  return {.body = Json{{"state", "Running"}, {"config", {{"devices", devices}}}}.dump()};
}

Response explain(Machine& machine, const Json&) {
  Json functions = Json::array();
  for (const DeviceFacts& facts : machine.facts()) functions.push_back(to_json(facts));
  return {.body = Json{{"functions", functions}}.dump()};
}

Response add_device(Machine& machine, const Json& body) {
  const DeviceSpec device = DeviceSpec::parse(required_text(body, "path"));
  if (device.managed) {
    throw UsageError(fmt::format("{}: a function that comes while the guest runs must be on vfio-pci already", device.name()),
                     "put it there with strait bind, then add it without managed= and vf=");
  }
  machine.add_device(device);
  return {.body = Json{{"id", device.bdf.to_string()}, {"bdf", machine.devices().back().address.to_string()}}.dump()};
}

Response remove_device(Machine& machine, const Json& body) {
  machine.remove_device(host::Bdf::parse(required_text(body, "id")));
  return {.status = 204};
}

Response press_power_button(Machine& machine, const Json&) {
  machine.board().press_power_button();
  return {.status = 204};
}

struct Route {
  std::string_view method, target;
  Response (*serve)(Machine&, const Json& body);
};
constexpr Route kRoutes[] = {{"GET", "/api/v1/vmm.ping", ping},
                             {"GET", "/api/v1/vm.info", info},
                             {"GET", "/api/v1/vm.explain", explain},
                             {"PUT", "/api/v1/vm.add-device", add_device},
                             {"PUT", "/api/v1/vm.remove-device", remove_device},
                             {"PUT", "/api/v1/vm.power-button", press_power_button}};

Response failure(unsigned status, std::string_view why) {
  return {.status = status, .body = Json::array({why}).dump(-1, ' ', false, Json::error_handler_t::replace)};
}

}  // namespace

Response answer(Machine& machine, const ControlServer::Request& request) {
  const auto route = std::ranges::find(kRoutes, request.target, &Route::target);
  if (route == std::end(kRoutes)) return failure(404, fmt::format("there is no {}", request.target));
  if (route->method != request.method) return failure(405, fmt::format("{} is for {}", request.target, route->method));
  const Json body = request.body.empty() ? Json() : Json::parse(request.body, nullptr, false);
  if (body.is_discarded()) return failure(400, "the body is no JSON");
  try {
    return route->serve(machine, body);
  } catch (const UsageError& error) {
    return failure(400, error.what());
  } catch (const std::exception& error) {
    log::warning("{}: {}", request.target, error.what());
    return failure(500, error.what());
  }
}

}  // namespace strait
