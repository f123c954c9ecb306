#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "host/limits.h"
#include "host/network_interface.h"

namespace strait::host {

/// What came of opening a device file.
struct OpenedDevice {
  int error = 0;           ///< 0, or the errno
  std::string group = {};  ///< the file's group where that may read and write it, empty where it may not, or is root's
};

/// Where the checks look: the machine's file systems, and the few facts that no file has. Tests make one of their own. The checks only
/// read, and open device files; they change nothing.
struct HostView {
  std::filesystem::path sysfs = "/sys";
  std::filesystem::path procfs = "/proc";
  std::filesystem::path dev = "/dev";
  std::filesystem::path modules = "/lib/modules";
  /// Opens a device file for reading and writing and closes it again.
  std::function<OpenedDevice(const std::filesystem::path&)> open_device;
  InterfaceLookup network_interface;
  /// The strait that has taken a function, such as "strait, process 4711", empty for none: asked before a group is opened, which would be in
  /// the way of a start.
  std::function<std::string(const Bdf&)> holder = [](const Bdf&) { return std::string(); };
  /// The processor's own word on VMX or SVM, which stays when the firmware locks them, while the kernel then drops its flag.
  bool cpuid_virtualisation = false;
  std::string user = "USER";  ///< whose rights are looked at
  LockedMemory locked;        ///< what this process may lock

  /// This machine and this process.
  static HostView real();

  /// A file of `sysfs` or `procfs` without its last newline; nothing where it cannot be read.
  std::optional<std::string> read_sysfs(const std::filesystem::path& name) const;
  std::optional<std::string> read_procfs(const std::filesystem::path& name) const;

  /// Whether the kernel's command line has this very word.
  bool booted_with(std::string_view word) const;
  /// Whether it has `key=...,value,...`.
  bool booted_with(std::string_view key, std::string_view value) const;

  enum class Vendor { kIntel, kAmd, kOther };
  Vendor cpu_vendor() const;
  bool cpu_flag(std::string_view flag) const;
  /// Whether this is itself a virtual machine.
  bool virtual_machine() const { return cpu_flag("hypervisor"); }
  /// Whether KVM found virtualisation that it can use, of whatever kind, and registered its device: this says more than /dev/kvm, which may
  /// lie there to load a module when opened, or be missing in a container.
  bool kvm_runs() const;
  std::string kernel_release() const;
  /// Its first two numbers: {6, 1} of "6.1.0-18-amd64"; {0, 0} where it has none.
  std::pair<unsigned, unsigned> kernel_version() const;
  /// A module's parameter as sysfs has it ("Y", "1", ...); nothing where the module is not there or hides it.
  std::optional<std::string> module_parameter(std::string_view module, std::string_view name) const;
  /// The same as a truth value.
  std::optional<bool> module_switch(std::string_view module, std::string_view name) const;
};

}  // namespace strait::host
