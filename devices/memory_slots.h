#pragma once

#include <cstdint>
#include <span>

#include "base/types.h"

namespace strait {

/// Host memory placed in the guest's physical address space, so that guest accesses to it never leave guest mode.
/// Any thread; calls are serialised inside.
class MemorySlots {
 public:
  using Slot = std::uint32_t;

  virtual ~MemorySlots() = default;
  /// Places `host` (page-aligned, whole pages) at `start`. Throws Error (slots exhausted, overlap).
  virtual Slot add(Gpa start, std::span<std::uint8_t> host, bool read_only = false) = 0;
  /// Takes a slot away; when this returns no vCPU reaches the memory any more.
  virtual void remove(Slot slot) = 0;
};

}  // namespace strait
