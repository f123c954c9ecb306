#pragma once

#include "binding/attempts.h"
#include "binding/host.h"
#include "binding/record.h"

namespace strait::binding {

/// Whether a VF's driver on this host chose its MAC address, `mac` as the PF knows it: a random one, or one that was set by its interface.
bool host_chose_mac(const host::Bdf& vf, const host::MacAddress& mac, const std::filesystem::path& sysfs);

/// The VF's part of undoing: what its PF had set for it.
///
/// A VF on a driver of the host may have chosen its MAC address itself. To set that one at the PF would pin it: the VF could not choose
/// another any more. So it gets the choice back (an address of zeros), its interface the address, and only where the PF does not follow is
/// it set there.
class VfUndo {
 public:
  VfUndo(const Record& record, const Host& host);

  /// Before the host's driver comes, which asks the PF what it may.
  void before_driver(Attempts& attempts);
  /// When the driver is there, and its interface as it was.
  void after_driver(Attempts& attempts);

 private:
  /// How the VF is set; nothing where it is gone, or its PF's driver.
  std::optional<host::VfSettings> now() const;
  void change(const host::VfSettings& settings) const;
  bool free_mac(Attempts& attempts);

  const VfBefore& before_;
  const Host& host_;
  bool chose_mac_;            ///< before, for itself
  bool mac_is_ours_ = false;  ///< to set back
};

}  // namespace strait::binding
