#include "base/syscall.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>

namespace strait {
namespace {

/// What another program has set not to block, as a pipe that both write to.
void wait_for_room(int fd) {
  pollfd poll = {.fd = fd, .events = POLLOUT, .revents = 0};
  ::poll(&poll, 1, -1);
}

}  // namespace

UniqueFd make_eventfd() {
  UniqueFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd) throw Error::from_errno(errno, "creating an eventfd", "raise the limit of open files (ulimit -n)");
  return fd;
}

void signal_eventfd(int fd) {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(fd, &one, sizeof one);  // fails only when 2^64-2 signals are pending
}

std::uint64_t drain_eventfd(int fd) {
  std::uint64_t count = 0;
  return ::read(fd, &count, sizeof count) == sizeof count ? count : 0;
}

int read_all(int fd, std::string& text, std::size_t limit) {
  std::array<char, 16384> chunk;
  while (text.size() < limit) {
    const ssize_t size = ::read(fd, chunk.data(), std::min(chunk.size(), limit - text.size()));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno;
    if (size == 0) break;
    text.append(chunk.data(), static_cast<std::size_t>(size));
  }
  return 0;
}

int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::write(fd, text.data(), text.size());
    if (size >= 0) {
      text.remove_prefix(static_cast<std::size_t>(size));
    } else if (errno == EAGAIN) {
      wait_for_room(fd);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

UniqueFd open_file(const std::string& path, int flags) {
  UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC));
  if (!fd) throw Error::from_errno(errno, "opening " + path);
  return fd;
}

std::string read_text_file(const std::string& path) {
  const UniqueFd fd = open_file(path, O_RDONLY);
  std::string text;
  if (const int error = read_all(fd.get(), text)) throw Error::from_errno(error, "reading " + path);
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace strait
