#include "vmm/control_server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <sstream>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "vmm/unix_socket.h"

namespace strait {
namespace {

namespace http = boost::beast::http;

constexpr std::uint32_t kMaxHeader = 8 << 10;
constexpr std::uint64_t kMaxBody = 64 << 10;
/// More clients than that are no clients.
constexpr std::size_t kMaxConnections = 32;
/// How long nobody is let in where the host has no descriptor for another client.
constexpr std::chrono::milliseconds kPause{200};
log::Budget guest_lines;  // a guest takes a descriptor for each vector

void set_nonblocking(int fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

/// Whoever was killed leaves a socket behind that refuses connections.
void remove_stale_socket(const std::string& path) {
  struct stat file = {};
  if (::lstat(path.c_str(), &file) < 0) return;
  if (!S_ISSOCK(file.st_mode)) throw Error(fmt::format("--control {}: there is another file", path), "give a path where none is");
  if (connect_unix(path) || errno != ECONNREFUSED) {
    throw Error(fmt::format("--control {}: another program listens there", path), "give another path");
  }
  ::unlink(path.c_str());
}

}  // namespace

/// One client: bytes in, whole requests to the handler, answers out.
class ControlServer::Connection {
 public:
  Connection(UniqueFd fd, const Handler& handler) : fd_(std::move(fd)), handler_(handler) { begin_request(); }

  int fd() const { return fd_.get(); }

  /// Takes what has come. False when the connection is to be closed.
  bool receive() {
    std::array<char, 4096> chunk;
    const ssize_t size = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
    if (size < 0) return errno == EAGAIN || errno == EINTR;
    if (size == 0) return false;
    pending_.append(chunk.data(), static_cast<std::size_t>(size));
    while (!pending_.empty()) {
      boost::system::error_code error;
      pending_.erase(0, parser_->put(boost::asio::buffer(pending_), error));
      if (error && error != http::error::need_more) {
        send({.status = 400, .body = fmt::format("[\"{}\"]", error.message())}, false);
        return false;
      }
      if (!parser_->is_done()) return true;
      if (!answer()) return false;
      begin_request();
    }
    return true;
  }

 private:
  void begin_request() {
    parser_.emplace();
    parser_->eager(true);
    parser_->header_limit(kMaxHeader);
    parser_->body_limit(kMaxBody);
  }

  bool answer() {
    const auto& request = parser_->get();
    const auto text = [](auto view) { return std::string(view.data(), view.size()); };
    const bool stays = request.keep_alive();
    return send(handler_({text(request.method_string()), text(request.target()), request.body()}), stays) && stays;
  }

  /// A client that does not read loses its connection.
  bool send(const Response& answer, bool stays) {
    http::response<http::string_body> response(static_cast<http::status>(answer.status), 11, answer.body);
    if (!answer.body.empty()) response.set(http::field::content_type, "application/json");
    response.keep_alive(stays);
    response.prepare_payload();
    std::ostringstream text;
    text << response;
    const std::string bytes = std::move(text).str();
    return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }

  UniqueFd fd_;
  const Handler& handler_;
  std::string pending_;
  std::optional<http::request_parser<http::string_body>> parser_;
};

ControlServer::ControlServer(std::string path, EventLoop& loop, Handler handler)
    : path_(std::move(path)), loop_(loop), handler_(std::move(handler)), end_of_pause_(loop, [this] { listen(); }) {
  remove_stale_socket(path_);
  listener_ = listen_unix(path_);
  set_nonblocking(listener_.get());
  listen();
}

ControlServer::~ControlServer() {
  for (const auto& [fd, connection] : connections_) loop_.remove(fd);
  loop_.remove(listener_.get());
  ::unlink(path_.c_str());
}

void ControlServer::listen() {
  loop_.add(listener_.get(), [this] { accept(); });
}

void ControlServer::accept() {
  UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd) {
    if (errno != EAGAIN) pause(errno);
    return;
  }
  short_ = false;
  if (connections_.size() >= kMaxConnections) return;
  const int number = fd.get();
  connections_[number] = std::make_unique<Connection>(std::move(fd), handler_);
  loop_.add(number, [this, number] {
    if (connections_.at(number)->receive()) return;
    loop_.remove(number);
    connections_.erase(number);
  });
}

/// A client that cannot be let in stays in the queue, and so the listener readable: the loop would go round and round.
void ControlServer::pause(int code) {
  if (!std::exchange(short_, true)) {
    log::warning(guest_lines, "--control {}: clients have to wait: {}; raise the limit of open files (ulimit -n)", path_,
                 std::strerror(code));
  }
  loop_.remove(listener_.get());
  end_of_pause_.set(kPause);
}

}  // namespace strait
