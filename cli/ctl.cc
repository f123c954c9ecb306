#include "cli/ctl.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/control_client.h"
#include "cli/print.h"
#include "host/addresses.h"
#include "vmm/outcome.h"

namespace strait {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kCommands = "ping, info, add-device ADDRESS[,KEY=VALUE...], remove-device ADDRESS [--no-wait], power-button";

struct CtlCommand {
  std::string_view name;
  std::string_view method, target;
  std::string_view field;  ///< of the body, for the only argument; none where there is no argument
};
constexpr CtlCommand kTable[] = {{"ping", "GET", "/api/v1/vmm.ping", ""},
                                 {"info", "GET", "/api/v1/vm.info", ""},
                                 {"add-device", "PUT", "/api/v1/vm.add-device", "path"},
                                 {"remove-device", "PUT", "/api/v1/vm.remove-device", "id"},
                                 {"power-button", "PUT", "/api/v1/vm.power-button", ""}};

const CtlCommand* find(std::string_view name) {
  const auto found = std::ranges::find(kTable, name, &CtlCommand::name);
  return found == std::end(kTable) ? nullptr : &*found;
}

/// ADDRESS[,KEY=VALUE...] with the full form of the address, found here: the other strait may have another environment. What is no address,
/// as vf=PF:any, is the other's to refuse.
std::string with_full_address(std::string_view text) {
  if (text.starts_with("vf=")) return std::string(text);
  const auto comma = std::min(text.find(','), text.size());
  return host::resolve_one(text.substr(0, comma)).to_string() + std::string(text.substr(comma));
}

/// The body of the answer.
std::string send(const std::string& socket, const CtlCommand& command, const std::string& argument) {
  const Json body = command.field.empty() ? Json() : Json{{command.field, argument}};
  return ask(socket, std::string(command.method), std::string(command.target), body);
}

/// Until the device is gone, or strait has given up on the guest.
void wait_until_gone(const std::string& socket, const std::string& id) {
  for (;;) {
    const Json info = Json::parse(send(socket, *find("info"), ""));
    const Json& devices = info["config"]["devices"];
    const auto found = std::ranges::find_if(devices, [&](const Json& device) { return device["id"].get<std::string>() == id; });
    if (found == devices.end()) return;
    if (!(*found)["leaving"].get<bool>()) {
      throw Error(fmt::format("the guest does not let go of {}", id), "check that it has a driver for ACPI hot plug, and what its log says");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

}  // namespace

CtlRequest CtlRequest::parse(Words words) {
  const auto fail = [](const std::string& what) { return UsageError(what, fmt::format("strait ctl SOCKET COMMAND, and commands are {}", kCommands)); };
  CtlRequest request;
  std::vector<std::string> plain;
  for (const std::string word : words) {
    if (word == "--no-wait") {
      request.wait = false;
    } else if (word.starts_with("--")) {
      throw fail(fmt::format("ctl {}: unknown option", word));
    } else {
      plain.push_back(word);
    }
  }
  if (plain.size() < 2) throw fail("ctl needs a socket and a command");
  request.socket = plain[0];
  request.command = plain[1];
  request.arguments.assign(plain.begin() + 2, plain.end());
  const CtlCommand* command = find(request.command);
  if (command == nullptr) throw fail(fmt::format("ctl {}: unknown command", request.command));
  if (request.arguments.size() != (command->field.empty() ? 0u : 1u)) throw fail(fmt::format("ctl {}: wrong number of arguments", request.command));
  if (!command->field.empty()) request.arguments[0] = with_full_address(request.arguments[0]);
  return request;
}

int run_ctl(Words words) {
  const CtlRequest request = CtlRequest::parse(words);
  const std::string argument = request.arguments.empty() ? "" : request.arguments[0];
  const std::string body = send(request.socket, *find(request.command), argument);
  if (!body.empty()) print(Json::parse(body).dump(2) + "\n");
  if (request.command == "remove-device" && request.wait) wait_until_gone(request.socket, argument);
  return exit_code::kGuestOff;
}

std::string ctl_help() {
  return "strait ctl SOCKET COMMAND [ARGUMENT]\n"
         "\n"
         "Talks to a running strait by the socket that its --control names.\n"
         "\n"
         "  ping                               is it there?\n"
         "  info                               what it runs, as JSON\n"
         "  add-device ADDRESS[,KEY=VALUE...]  plug in one that is on vfio-pci already\n"
         "  remove-device ADDRESS [--no-wait]  have the guest let go of a device, and wait\n"
         "  power-button                       ask the guest to power off\n"
         "\n"
         "The keys of add-device are those of run --device that need neither a descriptor\n"
         "nor root: addr, group, p2p, rombar, romfile, vf-token, and the experiments'.\n";
}

}  // namespace strait
