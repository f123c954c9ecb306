#include "devices/pci/slot_events.h"

#include "base/little_endian.h"

namespace strait::pci {
namespace {

constexpr std::uint64_t kInserted = 0, kWanted = 4, kEjected = 8;

}  // namespace

void SlotEvents::forget(unsigned slot) {
  inserted_ &= ~(1u << slot);
  wanted_ &= ~(1u << slot);
}

void SlotEvents::read(std::uint64_t offset, std::span<std::uint8_t> data) {
  fill_ones(data);
  if (data.size() != 4) return;
  if (offset == kInserted) store(data, 0, inserted_.exchange(0));
  if (offset == kWanted) store(data, 0, wanted_.exchange(0));
  if (offset == kEjected) store(data, 0, std::uint32_t{0});
}

void SlotEvents::write(std::uint64_t offset, std::span<const std::uint8_t> data) {
  if (offset == kEjected && data.size() == 4 && on_eject_) on_eject_(load<std::uint32_t>(data));
}

}  // namespace strait::pci
