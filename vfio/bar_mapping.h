#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "devices/bus.h"
#include "devices/memory_slots.h"
#include "devices/pci/bar.h"
#include "vfio/assigned_device.h"
#include "vfio/bar_layout.h"
#include "vfio/function_facts.h"

namespace strait::vfio {

/// Answers the accesses to a BAR that are trapped. Any vCPU thread.
class BarAccess {
 public:
  virtual ~BarAccess() = default;
  virtual void read_bar(unsigned bar, std::uint64_t offset, std::span<std::uint8_t> data) = 0;
  virtual void write_bar(unsigned bar, std::uint64_t offset, std::span<const std::uint8_t> data) = 0;
};

/// One BAR in the guest's address space: its direct pages as memory slots, the rest trapped. Owns the host mappings. Not thread-safe:
/// the function holds its lock.
class BarMapping {
 public:
  /// `structures` are the MSI-X table and PBA as far as they lie in this BAR. A page that the device does not let us map is trapped too.
  /// Where the guest sees more of a BAR than the device has, a page in place of less, nothing answers there.
  BarMapping(AssignedDevice& device, unsigned bar, const pci::BarShape& shape, std::span<const Area> structures, BarAccess& access,
             MemorySlots& slots, Bus& bus);
  ~BarMapping() { remove(); }
  BarMapping(const BarMapping&) = delete;
  BarMapping& operator=(const BarMapping&) = delete;

  /// Makes the BAR answer at `address`, moving it where it was elsewhere. An address that collides with RAM or another device leaves
  /// the colliding part unreachable, as on a real bus nobody promises who answers, until a later call finds room. `direct` false traps
  /// every page.
  void place(std::uint64_t address, bool direct = true);
  bool is_at(std::uint64_t address) const { return placed_ && address_ == address; }
  /// The BAR answers nowhere.
  void remove();
  /// Gives the host mappings back as well; place() maps again. For a device that is to be released.
  void unmap();

  BarFacts::Answers answers() const;
  bool direct() const { return !slots_in_use_.empty(); }
  const BarLayout& layout() const { return layout_; }

 private:
  /// A trapped stretch on the bus.
  struct Window : BusDevice {
    Window(BarMapping& o, std::uint64_t s) : owner(o), start(s) {}
    void read(std::uint64_t offset, std::span<std::uint8_t> data) override { owner.access_.read_bar(owner.bar_, start + offset, data); }
    void write(std::uint64_t offset, std::span<const std::uint8_t> data) override { owner.access_.write_bar(owner.bar_, start + offset, data); }
    BarMapping& owner;
    std::uint64_t start;
  };
  void trap(std::uint64_t address, const Area& area);
  void map_pages();

  AssignedDevice& device_;
  const unsigned bar_;
  const std::uint64_t size_;  ///< the device's
  BarAccess& access_;
  MemorySlots& slots_;
  Bus& bus_;
  BarLayout layout_;
  std::vector<MappedRegion> mappings_;  ///< one for each of layout_.direct, once mapped
  std::map<std::uint64_t, std::unique_ptr<Window>> windows_;  ///< by their start in the BAR; kept, because an access may be under way
  std::vector<MemorySlots::Slot> slots_in_use_;
  std::vector<std::uint64_t> traps_in_use_;
  std::uint64_t address_ = 0;
  bool placed_ = false;
  bool complete_ = false;  ///< and nothing was in the way
  bool wanted_direct_ = false;
};

}  // namespace strait::vfio
