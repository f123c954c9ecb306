#include "binding/kernel_host.h"

#include <fcntl.h>
#include <net/if.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include "base/error.h"
#include "base/held_signals.h"
#include "base/syscall.h"
#include "binding/fault_point.h"
#include "binding/interface_config.h"
#include "binding/vf_change.h"
#include "host/network_interface.h"
#include "host/open_devices.h"

namespace strait::binding {
namespace fs = std::filesystem;
namespace {

/// Whether udev is done with an interface: then it has an entry for it.
bool is_settled(const std::string& interface) {
  std::error_code error;
  const unsigned index = ::if_nametoindex(interface.c_str());
  return index != 0 && fs::exists(fmt::format("/run/udev/data/n{}", index), error);
}

fs::path directory_in(const char* variable, const fs::path& otherwise) {
  const char* const value = std::getenv(variable);
  return value != nullptr && *value != '\0' ? fs::path(value) : otherwise;
}

}  // namespace

KernelHost::KernelHost(fs::path sysfs, fs::path devfs, std::string modprobe, fs::path procfs)
    : sysfs_(std::move(sysfs)), devfs_(std::move(devfs)), modprobe_(std::move(modprobe)), procfs_(std::move(procfs)) {}

void KernelHost::write_attribute(const fs::path& path, std::string_view text) {
  fault_point();
  const std::string file = sysfs_ / path;
  const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) throw Error::from_errno(errno, "opening " + file, errno == EACCES || errno == EPERM ? "run strait as root" : "");
  if (::write(fd.get(), text.data(), text.size()) < 0) {
    throw Error::from_errno(errno, fmt::format("writing '{}' to {}", text == "\n" ? "" : text, file),
                            "the kernel's log (dmesg) may say why");
  }
}

void KernelHost::load_module(const std::string& module) {
  fault_point();
  const char* const words[] = {modprobe_.c_str(), module.c_str(), nullptr};
  pid_t pid = 0;
  const int problem = ::posix_spawnp(&pid, words[0], nullptr, nullptr, const_cast<char* const*>(words), environ);
  if (problem != 0) {
    throw Error::from_errno(problem, fmt::format("loading the module {}: running {}", module, modprobe_), "load it by hand");
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw Error(fmt::format("the module {} cannot be loaded", module), fmt::format("'modprobe {}' and the kernel's log say why", module));
  }
}

std::string KernelHost::opener_of(const fs::path& node) {
  const host::OpenDevices open(procfs_);
  const auto users = open.users_of(devfs_ / node);
  if (!users.empty()) return fmt::format("{} (process {})", users.front().name, users.front().pid);
  if (open.complete() || node.parent_path() != "vfio") return "";
  const UniqueFd fd(::open((devfs_ / node).c_str(), O_RDWR | O_CLOEXEC));
  return !fd && errno == EBUSY ? "a process" : "";
}

bool KernelHost::is_claimed(const fs::path& node) {
  const std::string file = devfs_ / node;
  std::error_code error;
  if (!fs::is_block_file(file, error)) return false;
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC));
  return !fd && errno == EBUSY;
}

nlohmann::json KernelHost::read_interface(const std::string& name) { return read_interface_config(name); }

std::vector<std::string> KernelHost::settled_interfaces(const host::Bdf& function) {
  std::error_code error;
  for (int left = 150;; --left) {
    // Anew each time: a name that was listed may be another by now.
    const auto names = host::interfaces_of(function, sysfs_);
    if (left == 0 || !fs::exists("/run/udev/control", error) || std::ranges::all_of(names, is_settled)) return names;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

void KernelHost::restore_interface(const std::string& name, const nlohmann::json& config) { restore_interface_config(name, config); }

host::VfTable KernelHost::read_vfs(const host::Bdf& pf) { return binding::read_vfs(pf, sysfs_); }

void KernelHost::change_vf(const host::Bdf& pf, unsigned index, const host::VfSettings& settings) {
  binding::change_vf(pf, index, settings, sysfs_);
}

Host this_host() {
  static KernelHost changes;
  Host host;
  host.state = directory_in("STRAIT_STATE_DIR", host.state);
  host.run = directory_in("STRAIT_RUN_DIR", host.run);
  host.changes = &changes;
  host.interrupted = &HeldSignals::is_pending;
  return host;
}

}  // namespace strait::binding
