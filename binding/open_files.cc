#include "binding/open_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <memory>

#include <fmt/format.h>

#include "base/error.h"
#include "base/syscall.h"

namespace strait::binding {
namespace fs = std::filesystem;
namespace {

/// Of a device file: its kind, and its number. A file has many names, but one of these.
struct Device {
  mode_t kind = 0;
  unsigned major = 0, minor = 0;

  friend bool operator==(const Device&, const Device&) = default;
};

/// The device that a file is; nothing where it is none, or is gone. What the kernel knows already is enough: a file on a server that does
/// not answer is none of ours.
std::optional<Device> device_at(int directory, const char* name) {
  struct statx status = {};
  if (::statx(directory, name, AT_STATX_DONT_SYNC, STATX_TYPE, &status) != 0) return std::nullopt;
  if (!S_ISCHR(status.stx_mode) && !S_ISBLK(status.stx_mode)) return std::nullopt;
  return Device{static_cast<mode_t>(status.stx_mode & S_IFMT), status.stx_rdev_major, status.stx_rdev_minor};
}

/// Whether a process has the device open; nothing where it may not be looked at.
std::optional<bool> has_open(const fs::path& process, const Device& device) {
  const std::unique_ptr<DIR, int (*)(DIR*)> files(::opendir((process / "fd").c_str()), ::closedir);
  if (!files) return errno == ENOENT || errno == ESRCH ? std::optional(false) : std::nullopt;
  while (const dirent* const file = ::readdir(files.get())) {
    if (file->d_name[0] != '.' && device_at(::dirfd(files.get()), file->d_name) == device) return true;
  }
  return false;
}

bool is_process(const std::string& name) {
  return !name.empty() && std::ranges::all_of(name, [](unsigned char digit) { return std::isdigit(digit) != 0; });
}

std::string name_of(const fs::path& process) {
  try {
    return fmt::format("process {} ({})", process.filename().native(), read_text_file(process / "comm"));
  } catch (const Error&) {
    return "process " + process.filename().native();
  }
}

/// Whether all processes of the host are in procfs, and not only those of a container.
bool is_whole(const fs::path& procfs) {
  constexpr ino_t kInitialNamespace = 0xeffffffc;  // PROC_PID_INIT_INO in the kernel's include/linux/proc_ns.h
  struct stat status = {};
  return ::stat((procfs / "self/ns/pid").c_str(), &status) == 0 && status.st_ino == kInitialNamespace;
}

}  // namespace

std::optional<std::string> opener_of(const fs::path& file, const fs::path& procfs) {
  const auto device = device_at(AT_FDCWD, file.c_str());
  if (!device) return "";
  bool whole = is_whole(procfs);
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(procfs, error)) {
    if (!is_process(entry.path().filename())) continue;
    const auto open = has_open(entry.path(), *device);
    if (open.value_or(false)) return name_of(entry.path());
    whole = whole && open.has_value();
  }
  return whole && !error ? std::optional<std::string>("") : std::nullopt;
}

}  // namespace strait::binding
