#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/mapped_region.h"
#include "base/types.h"

namespace strait::vfio {

/// The regions of a PCI device by VFIO's numbering (linux/vfio.h): BAR n is region n.
inline constexpr unsigned kRomRegion = 6;
inline constexpr unsigned kConfigRegion = 7;

/// A stretch of a region, in bytes from the region's start.
using Area = Range<Strong<struct RegionOffsetTag, std::uint64_t>>;

/// What the device says of one region; size 0 where it has none.
struct RegionInfo {
  std::uint64_t size = 0;
  bool readable = false;
  bool writable = false;
  /// Where mapping is allowed: nowhere, everywhere, or where the device says (VFIO_REGION_INFO_CAP_SPARSE_MMAP).
  std::vector<Area> mappable_areas;
};

/// One value written to one place of a BAR.
struct RegisterWrite {
  unsigned region = 0;       ///< a BAR
  std::uint64_t offset = 0;  ///< in bytes from its start
  unsigned size = 0;         ///< in bytes
  std::uint64_t value = 0;

  friend bool operator==(const RegisterWrite&, const RegisterWrite&) = default;
};

enum class IrqIndex : std::uint32_t { kIntx = 0, kMsi = 1, kMsix = 2, kError = 3, kRequest = 4 };

struct IrqInfo {
  std::uint32_t count = 0;
  /// The set of vectors in use can grow one by one (VFIO_IRQ_INFO_NORESIZE is clear): Linux 6.5 and later, for MSI-X.
  bool dynamic = false;
};

/// A host device that the guest drives: the seam between the guest-visible function and where the device comes from. No call
/// throws but map(); any thread may call, the caller orders what depends on order.
class AssignedDevice {
 public:
  virtual ~AssignedDevice() = default;

  /// The name in messages: the full PCI address.
  virtual const std::string& name() const = 0;
  virtual const RegionInfo& region(unsigned index) const = 0;
  /// False where the device did not answer; `data` is all ones then.
  virtual bool read(unsigned region, std::uint64_t offset, std::span<std::uint8_t> data) = 0;
  virtual bool write(unsigned region, std::uint64_t offset, std::span<const std::uint8_t> data) = 0;
  /// Each signal of `eventfd` makes this write, of 1, 2, 4 or 8 bytes and naturally aligned, until it is disconnected: in the signaller's
  /// context, but for what is signalled while set_irqs(), disable_irqs() or a write to Command, power state or the bit of a function-level reset
  /// is under way. That may be written after the signaller went on, and several signals as one.
  /// 0 or a negative errno: not every device can, nor every width, nor for more than so many; never in the MSI-X table.
  virtual int connect_write(const RegisterWrite& write, int eventfd) = 0;
  /// What was signalled until now has been written when this returns.
  virtual void disconnect_write(const RegisterWrite& write) = 0;
  /// Maps page-aligned `area` at a host address that agrees with its offset modulo `alignment`, a power of two. Throws Error.
  virtual MappedRegion map(unsigned region, const Area& area, std::uint64_t alignment) = 0;

  virtual IrqInfo irq_info(IrqIndex index) const = 0;
  /// Connects vectors [start, start + eventfds.size()) to these eventfds, -1 for none. 0, a negative errno, or a positive
  /// number: only so many vectors can be had.
  virtual int set_irqs(IrqIndex index, std::uint32_t start, std::span<const int> eventfds) = 0;
  /// Each signal of `eventfd` unmasks the interrupt from now on; VFIO masks a level-triggered one (INTx) whenever it fires. 0 or a negative
  /// errno.
  virtual int unmask_with(IrqIndex index, int eventfd) = 0;
  /// Turns an interrupt kind off.
  virtual void disable_irqs(IrqIndex index) = 0;
};

}  // namespace strait::vfio
