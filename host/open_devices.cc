#include "host/open_devices.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>

#include "base/error.h"
#include "base/syscall.h"

namespace strait::host {
namespace fs = std::filesystem;
namespace {

using Device = std::tuple<unsigned, unsigned, unsigned>;
using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

/// The device that a file is; nothing where it is none, or is gone. What the kernel knows already is enough: a file on a server that does
/// not answer is no device.
std::optional<Device> device_at(int directory, const char* name) {
  struct statx status = {};
  if (::statx(directory, name, AT_STATX_DONT_SYNC, STATX_TYPE, &status) != 0) return std::nullopt;
  if (!S_ISCHR(status.stx_mode) && !S_ISBLK(status.stx_mode)) return std::nullopt;
  return Device{status.stx_mode & S_IFMT, status.stx_rdev_major, status.stx_rdev_minor};
}

std::optional<int> pid_in(std::string_view name) {
  int pid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  return error == std::errc() && end == name.data() + name.size() ? std::optional(pid) : std::nullopt;
}

/// What the process has open; nothing where it may not be looked at.
std::optional<std::set<Device>> devices_of(const fs::path& process) {
  const Directory files(::opendir((process / "fd").c_str()), ::closedir);
  if (!files) return errno == EACCES || errno == EPERM ? std::nullopt : std::optional(std::set<Device>());
  std::set<Device> devices;
  while (const dirent* const file = ::readdir(files.get())) {
    if (const auto device = device_at(::dirfd(files.get()), file->d_name)) devices.insert(*device);
  }
  return devices;
}

/// Whether a procfs has all processes of the host, and not only those of a container, or of a user (its option hidepid).
bool is_whole(const fs::path& procfs) {
  constexpr ino_t kInitialNamespace = 0xeffffffc;  // PROC_PID_INIT_INO in the kernel's include/linux/proc_ns.h
  struct stat ours = {}, first = {};
  if (::stat((procfs / "self/ns/pid").c_str(), &ours) != 0) return true;  // It is no procfs, but a test's.
  return ours.st_ino == kInitialNamespace && ::stat((procfs / "1").c_str(), &first) == 0;
}

}  // namespace

OpenDevices::OpenDevices(fs::path procfs) : procfs_(std::move(procfs)), complete_(is_whole(procfs_)) {
  std::error_code error;
  for (fs::directory_iterator process(procfs_, error), end; !error && process != end; process.increment(error)) {
    const auto pid = pid_in(process->path().filename().native());
    if (!pid) continue;
    const auto devices = devices_of(process->path());
    if (!devices) complete_ = false;
    for (const Device& device : devices.value_or(std::set<Device>())) pids_[device].push_back(*pid);
  }
  if (error) complete_ = false;
}

std::vector<Process> OpenDevices::users_of(const fs::path& file) const {
  std::vector<Process> users;
  const auto device = device_at(AT_FDCWD, file.c_str());
  const auto found = device ? pids_.find(*device) : pids_.end();
  if (found == pids_.end()) return users;
  for (const int pid : found->second) {
    try {
      users.push_back({pid, read_text_file(procfs_ / std::to_string(pid) / "comm")});
    } catch (const Error&) {
      // It has ended.
    }
  }
  std::ranges::sort(users);
  return users;
}

}  // namespace strait::host
