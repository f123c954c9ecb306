#pragma once

#include <string>

#include "binding/host.h"
#include "host/bdf.h"
#include "host/open_devices.h"

namespace strait::binding {

/// Whether a process has a function.
struct Usage {
  enum class State { kFree, kUsed, kUnknown };  ///< unknown: only root is told of everybody's processes

  State state = State::kFree;
  std::string user;  ///< where it is used: "strait, process 4711", "qemu-system-x86, process 4712"

  friend bool operator==(const Usage&, const Usage&) = default;
};

/// Who has the function, or another of its IOMMU group: strait by its lock, or any process through VFIO, as far as `open` tells. It takes
/// no lock and opens nothing of VFIO, so it is in nobody's way; and what it says may be over: what changes something takes the lock.
/// Throws Error where there is no such function.
Usage usage_of(const host::Bdf& function, const host::OpenDevices& open, const Host& host);

}  // namespace strait::binding
