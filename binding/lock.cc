#include "binding/lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <string>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include "base/error.h"
#include "base/syscall.h"

namespace strait::binding {
namespace fs = std::filesystem;
namespace {

std::string path_of(const host::Bdf& function, const fs::path& run) { return run / (function.to_string() + ".lock"); }

struct flock whole_file() {
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

}  // namespace

std::optional<Lock> Lock::try_take(const host::Bdf& function, const fs::path& run) {
  std::error_code error;
  fs::create_directories(run, error);
  const std::string path = path_of(function, run);
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) throw Error::from_errno(errno, "opening the lock " + path, "run strait as root");
  struct flock lock = whole_file();
  if (::fcntl(fd.get(), F_OFD_SETLK, &lock) != 0) {
    if (errno == EAGAIN || errno == EACCES) return std::nullopt;
    throw Error::from_errno(errno, "locking " + path);
  }
  // The file is no more than a note to others: where it cannot be written, they do without.
  const std::string pid = fmt::format("{}\n", ::getpid());
  [[maybe_unused]] const bool noted = ::ftruncate(fd.get(), 0) == 0 && ::pwrite(fd.get(), pid.data(), pid.size(), 0) > 0;
  return Lock(function, std::move(fd));
}

Lock Lock::take(const host::Bdf& function, const Host& host, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    if (auto lock = try_take(function, host.run)) return std::move(*lock);
    if (std::chrono::steady_clock::now() >= deadline) {
      throw Error(fmt::format("{} is in use by another {}", function.to_string(), lock_holder(function, host.run).name()),
                  "end that one first, or choose another function");
    }
    wait_a_moment(host, std::chrono::milliseconds(20));
  }
}

void wait_a_moment(const Host& host, std::chrono::milliseconds moment) {
  if (host.interrupted()) throw Interrupted("interrupted while another process had the function");
  std::this_thread::sleep_for(moment);
}

std::string LockHolder::name() const { return pid > 0 ? fmt::format("strait, process {}", pid) : "strait"; }

LockHolder lock_holder(const host::Bdf& function, const fs::path& run) {
  using State = LockHolder::State;
  const UniqueFd fd(::open(path_of(function, run).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return {.state = errno == ENOENT ? State::kNobody : State::kUnknown};
  struct flock lock = whole_file();
  if (::fcntl(fd.get(), F_OFD_GETLK, &lock) != 0) return {.state = State::kUnknown};
  if (lock.l_type == F_UNLCK) return {};
  char text[16] = {};
  const ssize_t size = ::pread(fd.get(), text, sizeof text - 1, 0);
  return {.state = State::kSomebody, .pid = size > 0 ? std::atoi(text) : 0};
}

}  // namespace strait::binding
