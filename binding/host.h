#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "host/bdf.h"
#include "host/vf_info.h"

namespace strait::binding {

/// What binding changes outside its own records: the seam at which tests put a kernel of their own. Each call that changes something starts
/// with fault_point(). Throws Error.
class HostChanges {
 public:
  virtual ~HostChanges() = default;

  /// Writes `text` to the file `path` below sysfs, in one write().
  virtual void write_attribute(const std::filesystem::path& path, std::string_view text) = 0;
  /// Has modprobe load `module`.
  virtual void load_module(const std::string& module) = 0;
  /// Who has the device file `node` below devfs open, like vfio/12, uio0 or nvme0n1: "qemu-system-x86 (process 1234)", "a process" where
  /// that is all that can be told, empty for nobody.
  virtual std::string opener_of(const std::filesystem::path& node) = 0;
  /// Whether a block device's file `node` below devfs is claimed: by a mount, swap or volume, in whatever namespace.
  virtual bool is_claimed(const std::filesystem::path& node) = 0;
  /// The configuration of the network interface `name`, which goes when its driver does.
  virtual nlohmann::json read_interface(const std::string& name) = 0;
  /// The function's network interfaces, once udev is done with their names, where there is one.
  virtual std::vector<std::string> settled_interfaces(const host::Bdf& function) = 0;
  /// Gives the interface that is called `name` now the configuration that read_interface() told of another day, its name included. What is
  /// as it should be already stays untouched, and what cannot be had does not keep the rest from coming: Error says it all at the end.
  virtual void restore_interface(const std::string& name, const nlohmann::json& config) = 0;
  /// What the driver of a PF says of its VFs; nothing of any where it has no network interface.
  virtual host::VfTable read_vfs(const host::Bdf& pf) = 0;
  /// Makes `settings` those of a VF, as far as they are not so already.
  virtual void change_vf(const host::Bdf& pf, unsigned index, const host::VfSettings& settings) = 0;
};

/// Where everything is, and who changes it.
struct Host {
  std::filesystem::path sysfs = "/sys";
  std::filesystem::path procfs = "/proc";
  std::filesystem::path devfs = "/dev";
  std::filesystem::path state = "/var/lib/strait";  ///< records are in records/
  std::filesystem::path run = "/run/strait";        ///< locks
  HostChanges* changes = nullptr;                   ///< outlives this
  /// Whether somebody wants this process to end: asked while it waits for others, and has changed nothing.
  std::function<bool()> interrupted = [] { return false; };
};

/// The host that this process runs on. STRAIT_STATE_DIR and STRAIT_RUN_DIR name other directories than those above; a signal that is held
/// back interrupts.
Host this_host();

}  // namespace strait::binding
