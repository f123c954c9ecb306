#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace strait::host {

struct Process {
  int pid = 0;
  std::string name;  ///< as ps shows it

  friend auto operator<=>(const Process&, const Process&) = default;
};

/// Which processes have which device files open, by the descriptors of all of them: a snapshot. It opens none of those files. That would
/// tell, too, but a file of VFIO is opened by one process at a time: whoever looks must not be in the way of a guest that is about to start.
class OpenDevices {
 public:
  explicit OpenDevices(std::filesystem::path procfs = "/proc");

  /// Those that have `file` open, by whatever name; ascending.
  std::vector<Process> users_of(const std::filesystem::path& file) const;
  /// Whether every process of the host could be looked at. That takes root, and the host's own PID namespace.
  bool complete() const { return complete_; }

 private:
  using Device = std::tuple<unsigned, unsigned, unsigned>;  ///< its kind, and its number

  std::filesystem::path procfs_;
  std::map<Device, std::vector<int>> pids_;
  bool complete_;
};

}  // namespace strait::host
