#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/unique_fd.h"
#include "vmm/event_loop.h"
#include "vmm/timer.h"

namespace strait {

/// HTTP 1.1 (RFC 9112) on a Unix socket: small requests, each answered at once. The socket is open to its owner only, and goes with the server.
/// The event loop's thread; no client can keep it waiting.
class ControlServer {
 public:
  struct Request {
    std::string method, target, body;
  };
  struct Response {
    unsigned status = 200;
    std::string body = {};  ///< JSON; empty for none
  };
  using Handler = std::function<Response(const Request&)>;

  /// Takes the place of a socket that nobody listens at any more. Throws Error.
  ControlServer(std::string path, EventLoop& loop, Handler handler);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  class Connection;
  void listen();
  void accept();
  void pause(int code);

  const std::string path_;
  EventLoop& loop_;
  Handler handler_;
  UniqueFd listener_;
  Timer end_of_pause_;
  bool short_ = false;  ///< of descriptors, or of memory, when a client last wanted in
  std::map<int, std::unique_ptr<Connection>> connections_;
};

}  // namespace strait
