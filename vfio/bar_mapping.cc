#include "vfio/bar_mapping.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "base/units.h"

namespace strait::vfio {
namespace {

/// Lines that the guest can cause again and again.
log::Budget guest_lines;

}  // namespace

BarMapping::BarMapping(AssignedDevice& device, unsigned bar, const pci::BarShape& shape, std::span<const Area> structures,
                       BarAccess& access, MemorySlots& slots, Bus& bus)
    : device_(device), bar_(bar), size_(device.region(bar).size), access_(access), slots_(slots), bus_(bus) {
  const bool memory = shape.kind != pci::BarKind::kIo;
  layout_ = lay_out_bar(size_, memory ? device.region(bar).mappable_areas : std::vector<Area>{}, structures);
}

void BarMapping::map_pages() {
  if (!mappings_.empty()) return;
  // Host and guest address agree modulo the BAR's size, up to the largest page there is: then KVM and the IOMMU can use large pages.
  const std::uint64_t alignment = std::clamp<std::uint64_t>(size_, kPageSize, kGiB);
  try {
    for (const Area& area : layout_.direct) mappings_.push_back(device_.map(bar_, area, alignment));
  } catch (const Error& error) {
    log::warning(guest_lines, "{}: BAR {} is trapped, which is slow: {}", device_.name(), bar_, error.what());
    mappings_.clear();
    layout_ = lay_out_bar(size_, {}, {});
  }
}

void BarMapping::trap(std::uint64_t address, const Area& area) {
  auto& window = windows_[area.start.value];
  if (!window) window = std::make_unique<Window>(*this, area.start.value);
  if (bus_.insert(address + area.start.value, area.size, *window, fmt::format("{} BAR {}", device_.name(), bar_))) {
    traps_in_use_.push_back(address + area.start.value);
  } else {
    complete_ = false;
    log::warning(guest_lines, "{}: the guest placed BAR {} at {:#x}, where another device is", device_.name(), bar_, address);
  }
}

void BarMapping::place(std::uint64_t address, bool direct) {
  direct = direct && !layout_.direct.empty();
  if (placed_ && complete_ && address_ == address && direct == wanted_direct_) return;
  remove();
  placed_ = complete_ = true;
  address_ = address;
  wanted_direct_ = direct;
  if (direct) map_pages();
  if (!direct || layout_.direct.empty()) {
    trap(address, {{}, size_});
    return;
  }
  for (const Area& area : layout_.trapped) trap(address, area);
  for (std::size_t i = 0; i < mappings_.size(); ++i) {
    try {
      slots_in_use_.push_back(slots_.add(Gpa(address + layout_.direct[i].start.value), mappings_[i].bytes()));
    } catch (const Error& error) {
      complete_ = false;
      log::warning(guest_lines, "{}: BAR {} at {:#x} stays unreachable: {}", device_.name(), bar_, address, error.what());
    }
  }
}

BarFacts::Answers BarMapping::answers() const {
  if (!placed_) return BarFacts::Answers::kNowhere;
  return complete_ ? BarFacts::Answers::kEverywhere : BarFacts::Answers::kPartly;
}

void BarMapping::remove() {
  for (const auto slot : slots_in_use_) slots_.remove(slot);
  for (const std::uint64_t start : traps_in_use_) bus_.remove(start);
  slots_in_use_.clear();
  traps_in_use_.clear();
  placed_ = false;
}

void BarMapping::unmap() {
  remove();
  mappings_.clear();
}

}  // namespace strait::vfio
