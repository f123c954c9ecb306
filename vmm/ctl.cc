#include "vmm/ctl.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <sstream>
#include <thread>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "host/bdf.h"
#include "vmm/outcome.h"
#include "vmm/unix_socket.h"

namespace strait {
namespace {

namespace http = boost::beast::http;
using Json = nlohmann::json;

constexpr std::string_view kCommands = "ping, info, add-device BDF[,KEY=VALUE...], remove-device BDF [--no-wait], power-button";

struct Command {
  std::string_view name;
  http::verb verb;
  std::string_view target;
  std::string_view field;  ///< of the body, for the only argument; none where there is no argument
};
constexpr Command kTable[] = {{"ping", http::verb::get, "/api/v1/vmm.ping", ""},
                              {"info", http::verb::get, "/api/v1/vm.info", ""},
                              {"add-device", http::verb::put, "/api/v1/vm.add-device", "path"},
                              {"remove-device", http::verb::put, "/api/v1/vm.remove-device", "id"},
                              {"power-button", http::verb::put, "/api/v1/vm.power-button", ""}};

const Command* find(std::string_view name) {
  const auto found = std::ranges::find(kTable, name, &Command::name);
  return found == std::end(kTable) ? nullptr : &*found;
}

void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) throw Error::from_errno(errno, "sending the request");
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

http::response<http::string_body> receive(int fd) {
  http::response_parser<http::string_body> parser;
  parser.eager(true);
  std::string pending;
  while (!parser.is_done()) {
    std::array<char, 4096> chunk;
    const ssize_t size = ::recv(fd, chunk.data(), chunk.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) throw Error("strait ended before it answered");
    pending.append(chunk.data(), static_cast<std::size_t>(size));
    boost::system::error_code error;
    pending.erase(0, parser.put(boost::asio::buffer(pending), error));
    if (error && error != http::error::need_more) throw Error(fmt::format("what listens there speaks no HTTP: {}", error.message()));
  }
  return parser.release();
}

/// The body of the answer.
std::string ask(const std::string& socket, const Command& command, const std::string& argument) {
  const UniqueFd fd = connect_unix(socket);
  if (!fd) {
    throw Error::from_errno(errno, "connecting to " + socket, "give the socket of a running strait: what its --control says");
  }
  http::request<http::string_body> request(command.verb, boost::beast::string_view(command.target.data(), command.target.size()), 11);
  request.set(http::field::host, "localhost");
  if (!command.field.empty()) request.body() = Json{{command.field, argument}}.dump(-1, ' ', false, Json::error_handler_t::replace);
  request.keep_alive(false);
  request.prepare_payload();
  std::ostringstream text;
  text << request;
  send_all(fd.get(), std::move(text).str());

  const auto response = receive(fd.get());
  if (response.result_int() < 400) return response.body();
  const Json words = Json::parse(response.body(), nullptr, false);
  throw Error(words.is_array() && !words.empty() && words[0].is_string() ? words[0].get<std::string>() : response.body());
}

/// Until the device is gone, or strait has given up on the guest.
void wait_until_gone(const std::string& socket, const std::string& id) {
  for (;;) {
    const Json info = Json::parse(ask(socket, *find("info"), ""));
    const Json& devices = info["config"]["devices"];
    const auto found = std::ranges::find_if(devices, [&](const Json& device) { return device["id"] == id; });
    if (found == devices.end()) return;
    if (!(*found)["leaving"].get<bool>()) {
      throw Error(fmt::format("the guest does not let go of {}", id), "check that it has a driver for ACPI hot plug, and what its log says");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

}  // namespace

CtlRequest CtlRequest::parse(const std::vector<std::string>& words) {
  const auto fail = [](const std::string& what) { return UsageError(what, fmt::format("strait ctl SOCKET COMMAND, and commands are {}", kCommands)); };
  CtlRequest request;
  std::vector<std::string> plain;
  for (const std::string& word : words) {
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
  const Command* command = find(request.command);
  if (command == nullptr) throw fail(fmt::format("ctl {}: unknown command", request.command));
  if (request.arguments.size() != (command->field.empty() ? 0u : 1u)) throw fail(fmt::format("ctl {}: wrong number of arguments", request.command));
  if (command->field == "id") request.arguments[0] = host::Bdf::parse(request.arguments[0]).to_string();
  return request;
}

int run_ctl(const CtlRequest& request) {
  const std::string argument = request.arguments.empty() ? "" : request.arguments[0];
  const std::string body = ask(request.socket, *find(request.command), argument);
  if (!body.empty()) std::puts(Json::parse(body).dump(2).c_str());
  if (request.command == "remove-device" && request.wait) wait_until_gone(request.socket, argument);
  return exit_code::kGuestOff;
}

}  // namespace strait
