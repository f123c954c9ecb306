#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/bdf.h"
#include "host/vf_settings.h"

namespace strait {

/// Where the guest finds a function on its bus 0.
struct GuestAddress {
  unsigned slot = 0;      ///< 1 to 31; 0, where the host bridge is, leaves the choice to place_devices()
  unsigned function = 0;  ///< 0 to 7

  /// The full form, as a Linux guest names it.
  std::string to_string() const;

  friend auto operator<=>(const GuestAddress&, const GuestAddress&) = default;
};

/// One of a PF's VFs, to be taken when the run starts.
struct VfRequest {
  host::Bdf pf;
  std::optional<unsigned> index;  ///< nothing: any that is free
};

/// What one --device option says: ADDRESS[,KEY=VALUE...], or vf=PF:any|N[,KEY=VALUE...].
struct DeviceSpec {
  host::Bdf bdf;                 ///< with `vf` none until it is taken
  std::optional<VfRequest> vf;   ///< vf=: in place of an address
  bool managed = false;          ///< managed=: bound for the run, and given back afterwards; with `vf` always
  host::VfSettings vf_settings;  ///< mac=, vlan=...: of a managed VF
  GuestAddress address;  ///< addr=
  bool group = false;    ///< group=: with it come the other functions of its IOMMU group, see expand_groups()
  bool rom = true;       ///< rombar=
  std::string rom_file;  ///< romfile=: in place of the device's own; empty for that
  bool peers = true;     ///< p2p=: other assigned devices reach its BARs
  std::string vf_token;  ///< vf-token=: a UUID; empty for none

  std::optional<int> device_fd;     ///< fd=: descriptors that were open when the program started, in place of what it would open
  std::optional<int> group_fd;      ///< group-fd=
  std::optional<int> container_fd;  ///< container-fd=: one for all devices, see check_descriptors()

  bool multifunction = false;  ///< function 0 of a slot that has more: place_devices() finds out

  // Mechanisms that an experiment may do without.
  bool direct = true;        ///< mmap=: BARs are mapped into the guest
  bool irqfds = true;        ///< irqfd=: interrupts reach the guest without a thread of ours
  bool io_eventfds = true;   ///< ioeventfd=: KVM takes trapped registers that are written again and again
  bool batched = true;       ///< route-batch=: changed routes go to KVM in one call, unchanged ones in none
  bool dynamic_msix = true;  ///< dyn-msix=: host interrupts for MSI-X vectors one by one, where the host can

  /// The address, or as it was given while there is none: for messages.
  std::string name() const;

  /// ADDRESS, and PF, is any that host::resolve() knows, of one function. Throws UsageError, also where a descriptor is not open: before
  /// the program opens any of its own, which could be taken for it. Throws Error for an address that this host does not have, and for
  /// several.
  static DeviceSpec parse(std::string_view text, const std::filesystem::path& sysfs = "/sys");
  /// The same where ADDRESS may be of several functions, each of which gets the keys. Those of `group:N` that share a slot of the host stay
  /// together in one of the guest, as with group=on.
  static std::vector<DeviceSpec> parse_all(std::string_view text, const std::filesystem::path& sysfs = "/sys");
};

}  // namespace strait
