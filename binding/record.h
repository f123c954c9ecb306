#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "host/bdf.h"

namespace strait::binding {

/// Who made the changes that a record undoes, and so how long they are to last.
enum class Owner {
  kCommand,  ///< strait bind: until strait release
  kRun,      ///< a run: until it ends. Where nobody holds the function's lock, it ended without undoing them.
};

/// How a function was bound.
struct DriverBefore {
  std::string driver;           ///< empty for none
  std::string driver_override;  ///< empty for none
};

/// What a PF's driver had set for one of its VFs. `settings` is whatever HostChanges::restore_vf takes.
struct VfBefore {
  host::Bdf pf;
  unsigned index = 0;
  nlohmann::json settings;
};

/// A sysfs attribute that is to be set back, unless it has been changed by somebody else since.
struct AttributeBefore {
  std::string path;    ///< below sysfs, like bus/pci/devices/0000:01:00.0/sriov_drivers_autoprobe
  std::string before;  ///< what it had
  std::string ours;    ///< what strait writes
};

/// What one owner's changes to one PCI function have to be undone with: everything that it was before. Undoing goes from top to bottom.
struct Record {
  host::Bdf function;
  Owner owner = Owner::kCommand;
  int pid = 0;           ///< that made it
  std::string identity;  ///< of the function, as identity_of() says: it must not be undone on another card
  std::optional<VfBefore> vf;
  std::optional<DriverBefore> driver;
  std::vector<nlohmann::json> interfaces;   ///< of the driver before, as HostChanges::read_interface told
  std::vector<AttributeBefore> attributes;  ///< the last is set back first
};

/// "8086:10ca 8086:a03c": vendor, device, and both of the subsystem. Throws Error where there is no such function.
std::string identity_of(const host::Bdf& function, const std::filesystem::path& sysfs);

/// The records of this host: a JSON file for each function and owner, STATE/records/0000:01:10.0.json and, for a run,
/// 0000:01:10.0.run.json. save() comes before the first change that the record undoes, and again before each further one, with the
/// function's lock held. A file is complete and on the disk, or not there at all. Records of an earlier boot are void, since the kernel
/// began anew: nobody finds them.
class Records {
 public:
  explicit Records(const std::filesystem::path& state, const std::filesystem::path& procfs = "/proc");

  /// Throws Error where the file is damaged, or of a newer strait.
  std::optional<Record> load(const host::Bdf& function, Owner owner) const;
  void save(const Record& record) const;
  void remove(const host::Bdf& function, Owner owner) const;
  /// The functions that have a record of either owner, in order.
  std::vector<host::Bdf> functions() const;
  /// Removes the records of earlier boots.
  void remove_void() const;

 private:
  std::filesystem::path path_of(const host::Bdf& function, Owner owner) const;
  /// The file's content, nothing where there is none.
  std::optional<nlohmann::json> read(const std::filesystem::path& path) const;
  bool is_void(const nlohmann::json& content) const;

  std::filesystem::path directory_;
  std::string boot_id_;
};

}  // namespace strait::binding
