#include "vfio/rom_bar.h"

#include <linux/pci_regs.h>

#include <algorithm>
#include <array>
#include <bit>

#include "base/error.h"
#include "base/little_endian.h"
#include "base/log.h"
#include "base/units.h"

namespace strait::vfio {
namespace {

/// Lines that the guest can cause again and again.
log::Budget guest_lines;

}  // namespace

RomBar::RomBar(std::uint64_t size, Reader reader, MemorySlots& slots)
    : size_(std::max(std::bit_ceil(size), kPageSize)), reader_(std::move(reader)), slots_(slots) {}

void RomBar::read(unsigned offset, std::span<std::uint8_t> data) const {
  for (std::uint8_t& byte : data) byte = static_cast<std::uint8_t>(register_ >> (8 * offset++));
}

void RomBar::write(unsigned offset, std::span<const std::uint8_t> data) {
  for (const std::uint8_t byte : data) {
    const unsigned shift = 8 * offset++;
    register_ = (register_ & ~(0xffu << shift)) | std::uint32_t{byte} << shift;
  }
  register_ &= address_mask() | PCI_ROM_ADDRESS_ENABLE;
}

void RomBar::fill() {
  if (contents_) return;
  contents_ = MappedRegion::anonymous(size_, kPageSize, 0);
  std::ranges::fill(contents_->bytes(), std::uint8_t{0xff});
  const std::vector<std::uint8_t> bytes = reader_();
  std::copy_n(bytes.begin(), std::min<std::uint64_t>(bytes.size(), size_), contents_->bytes().begin());
}

std::optional<std::uint32_t> RomBar::wanted(bool decoded) const {
  const std::uint32_t address = register_ & address_mask();
  const bool enabled = (register_ & PCI_ROM_ADDRESS_ENABLE) != 0;
  return decoded && enabled && address != 0 ? std::optional(address) : std::nullopt;
}

void RomBar::make_room(bool decoded) {
  if (slot_ && wanted(decoded) != placed_at_) remove();
}

void RomBar::settle(bool decoded) {
  make_room(decoded);
  const auto address = wanted(decoded);
  if (!address || slot_) return;
  try {
    fill();
    slot_ = slots_.add(Gpa(*address), contents_->bytes(), true);
    placed_at_ = *address;
  } catch (const Error& error) {
    log::warning(guest_lines, "the expansion ROM at {:#x} stays unreachable: {}", *address, error.what());
  }
}

void RomBar::remove() {
  if (slot_) slots_.remove(*slot_);
  slot_.reset();
}

}  // namespace strait::vfio
