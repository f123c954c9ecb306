#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace strait::host {

/// What a check found. Only `kFailed` keeps a guest with a device from running; `kWarning` will bite someday, `kNote` is worth knowing.
enum class Status { kOk, kNote, kUnknown, kWarning, kFailed };

/// What a check is about, in the order in which a start needs it: the first kind that failed decides doctor's exit code. What only makes a
/// guest slower has `kSpeed`, and never fails.
enum class CheckKind { kCpu, kKvm, kIommu, kInterruptRemapping, kModules, kPermissions, kMemlock, kGroup, kDriver, kLink, kSpeed };

/// A line of the host's configuration that puts something right, and the file that it belongs into.
struct Setting {
  std::string file;  ///< such as /etc/modprobe.d/strait.conf; kKernelCommandLine for a word of the kernel's command line
  std::string line;
  bool remove = false;  ///< the line is to go, not to come
  friend bool operator==(const Setting&, const Setting&) = default;
};
inline constexpr std::string_view kKernelCommandLine = "kernel command line";

/// One thing looked at. `cause` and `remedy` are empty where nothing is wrong.
struct Check {
  CheckKind kind = CheckKind::kCpu;
  std::string name;  ///< what was looked at, a few words; unique among the checks of one report
  Status status = Status::kOk;
  std::string finding = {};  ///< what is there, in one line
  std::string cause = {};
  std::string remedy = {};
  std::vector<Setting> settings = {};
};

/// "ok", "note", "unknown", "warning", "failed".
std::string_view name_of(Status status);
/// "cpu", "kvm", "iommu", ...: as JSON has it.
std::string_view name_of(CheckKind kind);

}  // namespace strait::host
