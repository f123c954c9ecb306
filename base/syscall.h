#pragma once

#include <sys/ioctl.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/unique_fd.h"

namespace strait {

/// ioctl, restarted after a signal. Returns what the kernel returned, or -errno.
template <typename Argument>
int try_ioctl(int fd, unsigned long request, Argument argument) {
  int result;
  do {
    result = ::ioctl(fd, request, argument);
  } while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : result;
}

inline int try_ioctl(int fd, unsigned long request) { return try_ioctl(fd, request, 0UL); }

/// The same, but a failure throws Error naming `attempt`.
template <typename Argument>
int checked_ioctl(int fd, unsigned long request, Argument argument, const char* attempt) {
  const int result = try_ioctl(fd, request, argument);
  if (result < 0) throw Error::from_errno(-result, attempt);
  return result;
}

inline int checked_ioctl(int fd, unsigned long request, const char* attempt) {
  return checked_ioctl(fd, request, 0UL, attempt);
}

/// A new eventfd, non-blocking and closed on exec, counter at 0. Throws Error.
UniqueFd make_eventfd();
/// Adds 1 to an eventfd's counter.
void signal_eventfd(int fd);
/// Takes and returns an eventfd's counter; 0 when nothing was signalled.
std::uint64_t drain_eventfd(int fd);

/// Appends what there is to read to `text`, up to the end or until that has `limit` bytes. Returns 0, or the errno that stopped it.
int read_all(int fd, std::string& text, std::size_t limit = std::string::npos);
/// Writes all of it, and waits for room where the descriptor is one that does not. Returns 0, or the errno that stopped it.
int write_all(int fd, std::string_view text);

/// Opens `path`, closed on exec. Throws Error "opening PATH: ...".
UniqueFd open_file(const std::string& path, int flags);
/// The whole of a small text file (sysfs, procfs) without its last newline. Throws Error.
std::string read_text_file(const std::string& path);

}  // namespace strait
