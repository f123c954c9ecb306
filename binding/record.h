#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "host/bdf.h"
#include "host/vf_settings.h"

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

/// What a PF's driver had set for one of its VFs.
struct VfBefore {
  host::Bdf pf;
  unsigned index = 0;
  host::VfSettings settings;  ///< all that it tells
  host::VfSettings ours;      ///< those that strait changes, and to what
};

/// A sysfs attribute that is to be set back, unless it has been changed by somebody else since.
struct AttributeBefore {
  std::string path;    ///< below sysfs, like bus/pci/devices/0000:01:00.0/sriov_drivers_autoprobe
  std::string before;  ///< what it had
  std::string ours;    ///< what strait writes
};

/// Several functions that one strait bind binds all or none.
struct Batch {
  host::Bdf first;    ///< whose record, once it is complete, says so of all
  std::string token;  ///< of that one bind
};

/// What one owner's changes to one PCI function have to be undone with: everything that it was before. Undoing goes from top to bottom.
struct Record {
  host::Bdf function;
  Owner owner = Owner::kCommand;
  int pid = 0;           ///< that made it
  std::string identity;  ///< of the function, as identity_of() says: it must not be undone on another
  bool complete = false;  ///< strait bind has come to its end, and strait release has not begun
  std::optional<Batch> batch;
  std::optional<VfBefore> vf;
  std::optional<DriverBefore> driver;
  std::vector<nlohmann::json> interfaces;   ///< of the driver before, as HostChanges::read_interface told
  std::vector<AttributeBefore> attributes;  ///< the last is set back first
};

/// "8086:10ca 8086:a03c 70410": vendor, device, and both of the subsystem; and its directory in sysfs, which is another each time that the
/// kernel finds a function: VFs that are made anew, and a card that was taken out, have nothing of what was done to them before. Throws
/// Error where there is no such function.
std::string identity_of(const host::Bdf& function, const std::filesystem::path& sysfs);

/// The records of this host: a JSON file for each function and owner, STATE/records/0000:01:10.0.json and, for a run,
/// 0000:01:10.0.run.json. save() comes before the first change that the record undoes, and again before each further one, with the
/// function's lock held. A file is complete and on the disk, or not there at all. Records of an earlier boot are void, since the kernel
/// began anew: nobody finds them.
class Records {
 public:
  explicit Records(const std::filesystem::path& state, const std::filesystem::path& procfs = "/proc");

  /// Throws Error where the file is damaged, or of another version of strait.
  std::optional<Record> load(const host::Bdf& function, Owner owner) const;
  void save(const Record& record) const;
  void remove(const host::Bdf& function, Owner owner) const;
  /// The functions that have a record of either owner, in order.
  std::vector<host::Bdf> functions() const;
  /// Those, and the ones for which tidy() has something to do.
  std::vector<host::Bdf> functions_with_files() const;
  /// Where a record is, for messages.
  std::filesystem::path path_of(const host::Bdf& function, Owner owner) const;
  /// Removes what is left of earlier boots, and of writers that were killed. The caller has the function's lock.
  void tidy(const host::Bdf& function) const;

 private:
  std::vector<host::Bdf> functions_of(const std::function<bool(const std::filesystem::path&)>& counts) const;
  /// The file's content, nothing where there is none.
  std::optional<nlohmann::json> read(const std::filesystem::path& path) const;
  bool is_void(const nlohmann::json& content) const;

  std::filesystem::path directory_;
  std::string boot_id_;
};

}  // namespace strait::binding
