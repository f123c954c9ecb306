#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/bdf.h"

namespace strait {

/// What one --device option says: ADDRESS[,KEY=VALUE...].
struct DeviceSpec {
  host::Bdf bdf;
  std::optional<unsigned> slot;  ///< addr=: the guest's slot, 1 to 31; the lowest that is free otherwise
  bool rom = true;               ///< rombar=
  std::string rom_file;          ///< romfile=: in place of the device's own; empty for that
  bool direct = true;            ///< mmap=
  bool peers = true;             ///< p2p=: other assigned devices reach its BARs

  /// Throws UsageError.
  static DeviceSpec parse(std::string_view text);
};

/// The guest slot of each device: what it asks for, or the lowest that is free. Throws UsageError where two ask for the same, or where there
/// are more devices than slots. Pure.
std::vector<unsigned> assign_slots(std::span<const DeviceSpec> devices);

}  // namespace strait
