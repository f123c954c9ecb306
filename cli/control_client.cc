#include "cli/control_client.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <sstream>
#include <string_view>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/unique_fd.h"
#include "vmm/unix_socket.h"

namespace strait {
namespace {

namespace http = boost::beast::http;
using Json = nlohmann::json;

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

}  // namespace

std::string ask(const std::string& socket, const std::string& method, const std::string& target, const Json& body) {
  const UniqueFd fd = connect_unix(socket);
  if (!fd) {
    throw Error::from_errno(errno, "connecting to " + socket, "give the socket of a running strait: what its --control says");
  }
  http::request<http::string_body> request(http::string_to_verb(method), target, 11);
  request.set(http::field::host, "localhost");
  if (!body.is_null()) request.body() = body.dump(-1, ' ', false, Json::error_handler_t::replace);
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

}  // namespace strait
