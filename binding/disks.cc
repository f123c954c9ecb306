#include "binding/disks.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <sstream>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include "base/error.h"
#include "base/syscall.h"

namespace strait::binding {
namespace fs = std::filesystem;
namespace {

std::string text_of(const fs::path& path) {
  try {
    return read_text_file(path);
  } catch (const Error&) {
    return "";
  }
}

/// The directory in `path` that stands for an NVMe subsystem, "nvme-subsysN"; empty where there is none. With native multipath a
/// subsystem has the disks, below devices/virtual, and links to the controllers by which they are reached.
fs::path nvme_subsystem_of(const fs::path& path) {
  constexpr std::string_view kPrefix = "nvme-subsys";
  fs::path directory;
  for (const fs::path& part : path) {
    directory /= part;
    const std::string& name = part.native();
    if (name.starts_with(kPrefix) && name.size() > kPrefix.size() && std::isdigit(static_cast<unsigned char>(name[kPrefix.size()])) != 0) {
      return directory;
    }
  }
  return {};
}

bool is_behind(const fs::path& real, const host::Bdf& function) {
  const std::string part = fmt::format("/{}/", function.to_string());
  if (real.native().find(part) != std::string::npos) return true;
  const fs::path subsystem = nvme_subsystem_of(real);
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(subsystem, error)) {
    if (entry.is_symlink(error) && fs::canonical(entry.path(), error).native().find(part) != std::string::npos) return true;
  }
  return false;
}

/// The block devices behind the function, partitions included.
std::vector<fs::path> disks_of(const host::Bdf& function, const fs::path& sysfs) {
  std::vector<fs::path> disks;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(sysfs / "class/block", error)) {
    const fs::path real = fs::canonical(entry.path(), error);
    if (!error && is_behind(real, function)) disks.push_back(real);
  }
  std::ranges::sort(disks);
  return disks;
}

/// Where a block device is mounted, empty for nowhere. See proc_pid_mountinfo(5):
/// `36 35 98:0 /root /mount/point options - type source options`.
std::string mount_point(const std::string& name, const std::string& number, const std::string& mountinfo) {
  std::istringstream lines(mountinfo);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string id, parent, device, root, point, word, type, source;
    words >> id >> parent >> device >> root >> point;
    while (words >> word && word != "-") {
    }
    words >> type >> source;
    // A file system on several devices, like btrfs, has a number of its own.
    if (device == number || source == "/dev/" + name) return point;
  }
  return "";
}

bool is_swap(const std::string& name, const std::string& swaps) {
  std::istringstream lines(swaps);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("/dev/" + name + " ") || line.starts_with("/dev/" + name + "\t")) return true;
  }
  return false;
}

/// The file's name below /dev. sysfs has '!' for a '/' in it.
std::string node_of(std::string name) {
  std::ranges::replace(name, '!', '/');
  return name;
}

/// Who has the disk open for longer than a moment: udev opens one whenever something about it changes.
std::string lasting_opener(const std::string& node, HostChanges& changes) {
  if (changes.opener_of(node).empty()) return "";
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  return changes.opener_of(node);
}

}  // namespace

std::vector<std::string> uses_of_disks(const host::Bdf& function, const Host& host) {
  std::vector<std::string> uses;
  const auto disks = disks_of(function, host.sysfs);
  if (disks.empty()) return uses;
  const std::string mounts = text_of(host.procfs / "self/mountinfo"), swaps = text_of(host.procfs / "swaps");
  for (const fs::path& disk : disks) {
    const std::string name = disk.filename(), node = node_of(name);
    if (const auto point = mount_point(node, text_of(disk / "dev"), mounts); !point.empty()) {
      uses.push_back(fmt::format("{} is mounted on {}", name, point));
    }
    if (is_swap(node, swaps)) uses.push_back(fmt::format("{} is swap space", name));
    std::error_code error;
    for (const auto& holder : fs::directory_iterator(disk / "holders", error)) {
      uses.push_back(fmt::format("{} is part of {}", name, holder.path().filename().native()));
    }
  }
  if (!uses.empty()) return uses;
  for (const fs::path& disk : disks) {
    const std::string name = disk.filename(), node = node_of(name);
    if (const auto opener = lasting_opener(node, *host.changes); !opener.empty()) {
      uses.push_back(fmt::format("{} has /dev/{} open", opener, node));
    } else if (host.changes->is_claimed(node)) {
      uses.push_back(fmt::format("{} is claimed by a file system or volume not seen from here (of another namespace, ZFS, btrfs)", name));
    }
  }
  return uses;
}

}  // namespace strait::binding
