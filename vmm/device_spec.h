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
  bool peers = true;             ///< p2p=: other assigned devices reach its BARs

  // Mechanisms that an experiment may do without.
  bool direct = true;        ///< mmap=: BARs are mapped into the guest
  bool irqfds = true;        ///< irqfd=: interrupts reach the guest without a thread of ours
  bool io_eventfds = true;   ///< ioeventfd=: KVM takes trapped registers that are written again and again
  bool batched = true;       ///< route-batch=: changed routes go to KVM in one call, unchanged ones in none
  bool dynamic_msix = true;  ///< dyn-msix=: host interrupts for MSI-X vectors one by one, where the host can

  /// Throws UsageError.
  static DeviceSpec parse(std::string_view text);
};

/// The guest slot of each device: what it asks for, or the lowest that is free. Throws UsageError where two ask for the same, or where there
/// are more devices than slots. Pure.
std::vector<unsigned> assign_slots(std::span<const DeviceSpec> devices);

}  // namespace strait
