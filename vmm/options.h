#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/huge_pages.h"
#include "base/types.h"
#include "base/units.h"
#include "boot/loader.h"
#include "base/topology.h"
#include "vmm/device_spec.h"
#include "vmm/pinning.h"

namespace strait {

/// What a guest's reboot does.
enum class OnReboot {
  kReset,  ///< boots it again
  kExit,   ///< ends the run
};

/// Which of the host's NUMA nodes a guest lives on.
struct Numa {
  bool by_devices = true;        ///< the one that its devices are on, if they agree
  std::optional<unsigned> node;  ///< this one
};

/// What makes a run: the options that `strait run` and `strait test` share.
struct RunOptions {
  boot::BootSpec boot;  ///< the machine fills in what ACPI tells
  std::uint64_t memory = 512 * kMiB;
  HugePages huge_pages = HugePages::kTransparent;
  bool prefault = false;          ///< all memory is present before the guest runs
  unsigned prefault_threads = 0;  ///< 0: as many as there are processors for
  Topology topology;
  Pinning pinning;  ///< empty for none
  Numa numa;
  int priority = 0;        ///< of the vCPUs' threads, 1 to 99 for real time
  bool dedicated = false;  ///< vCPUs have their processors for themselves, and keep them while they have nothing to do
  bool hide_kvm = false;
  std::vector<DeviceSpec> devices;  ///< each with its place on the guest's bus
  std::optional<Port> exit_port;
  OnReboot on_reboot = OnReboot::kReset;
  std::chrono::milliseconds timeout{0};  ///< 0 for none
  std::string metrics_file;              ///< empty for none
  std::string control_socket;            ///< empty for none
  bool verbose = false;

  /// While its vCPUs are busy, no other thread may get to run where they are.
  bool keeps_processors() const { return dedicated || priority != 0; }
};

}  // namespace strait
