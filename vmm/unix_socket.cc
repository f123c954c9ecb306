#include "vmm/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/error.h"

namespace strait {
namespace {

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw Error(fmt::format("{}: too long for a socket's path", path), fmt::format("give at most {} characters", sizeof address.sun_path - 1));
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

UniqueFd make_socket() {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) throw Error::from_errno(errno, "creating a socket");
  return fd;
}

}  // namespace

UniqueFd connect_unix(const std::string& path) {
  const sockaddr_un address = address_of(path);
  UniqueFd fd = make_socket();
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) return {};
  return fd;
}

UniqueFd listen_unix(const std::string& path) {
  const sockaddr_un address = address_of(path);
  UniqueFd fd = make_socket();
  const mode_t before = ::umask(0177);
  const int result = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int code = errno;
  ::umask(before);
  if (result < 0) throw Error::from_errno(code, "making the socket " + path, "give a path in a directory that you can write to");
  if (::listen(fd.get(), SOMAXCONN) < 0) throw Error::from_errno(errno, "listening at " + path);
  return fd;
}

}  // namespace strait
