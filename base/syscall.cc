#include "base/syscall.h"

#include <fcntl.h>
#include <sys/eventfd.h>

namespace strait {

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

UniqueFd open_file(const std::string& path, int flags) {
  UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC));
  if (!fd) throw Error::from_errno(errno, "opening " + path);
  return fd;
}

std::string read_text_file(const std::string& path) {
  const UniqueFd fd = open_file(path, O_RDONLY);
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw Error::from_errno(errno, "reading " + path);
    if (n == 0) break;
    text.append(buffer, static_cast<std::size_t>(n));
  }
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace strait
