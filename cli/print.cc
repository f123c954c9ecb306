#include "cli/print.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/error.h"

namespace strait {
namespace {

/// What another program has set not to block, as a pipe that both write to.
void wait_for_room(int fd) {
  pollfd poll = {.fd = fd, .events = POLLOUT, .revents = 0};
  ::poll(&poll, 1, -1);
}

std::string remedy(int code) {
  switch (code) {
    case ENOSPC:
    case EDQUOT: return "make room where it goes, or send it elsewhere";
    case EPIPE: return "have what is behind the pipe read all of it";
    default: return "send it elsewhere";
  }
}

}  // namespace

void print(std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::write(STDOUT_FILENO, text.data(), text.size());
    if (size >= 0) {
      text.remove_prefix(static_cast<std::size_t>(size));
    } else if (errno == EAGAIN) {
      wait_for_room(STDOUT_FILENO);
    } else if (errno != EINTR) {
      throw Error::from_errno(errno, "writing to standard output", remedy(errno));
    }
  }
}

}  // namespace strait
