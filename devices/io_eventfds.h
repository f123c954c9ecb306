#pragma once

#include <cstdint>

namespace strait {

/// One value that a guest writes to one trapped address.
struct GuestWrite {
  enum class Space { kMemory, kPorts };

  Space space = Space::kMemory;
  std::uint64_t address = 0;
  unsigned size = 0;  ///< 1, 2, 4 or, but for ports, 8 bytes
  std::uint64_t value = 0;

  friend bool operator==(const GuestWrite&, const GuestWrite&) = default;
};

/// Guest writes that signal an eventfd inside the kernel and are no exits any more. Other values, and other widths, at the same address
/// are trapped as before. Any thread; calls are serialised inside.
class IoEventfds {
 public:
  virtual ~IoEventfds() = default;
  /// From now on each such write signals `eventfd`, and is nothing else. False when the kernel refused.
  virtual bool add(const GuestWrite& write, int eventfd) = 0;
  /// Undoes it; when this returns no vCPU signals the eventfd any more.
  virtual void remove(const GuestWrite& write, int eventfd) = 0;
};

}  // namespace strait
