#include "devices/pci/bar.h"

#include <linux/pci_regs.h>

#include <algorithm>
#include <bit>

#include "base/units.h"

namespace strait::pci {
namespace {

constexpr std::uint32_t kIoReserved = 0x2;
constexpr std::uint32_t kIoFlags = 0x3;
constexpr std::uint32_t kMemoryFlags = 0xf;

/// The size that the address bits of a sizing answer stand for: their lowest writable bit. An I/O BAR may leave the upper 16 bits
/// unimplemented, so what is above that bit does not matter.
constexpr std::uint64_t size_of(std::uint64_t address_bits) { return address_bits & (~address_bits + 1); }

/// Flag bits that read as the hardware's whatever is written (PCI 3.0 6.2.5.1).
std::uint32_t fixed_bits(const BarShape& shape) {
  switch (shape.kind) {
    case BarKind::kNone: return 0;
    case BarKind::kIo: return PCI_BASE_ADDRESS_SPACE_IO;
    case BarKind::kMemory32: return shape.prefetchable ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0;
    case BarKind::kMemory64: return PCI_BASE_ADDRESS_MEM_TYPE_64 | (shape.prefetchable ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0);
  }
  return 0;
}

/// The bits of the whole address that a BAR of this shape implements.
std::uint64_t address_mask(const BarShape& shape) {
  const std::uint64_t above_size = ~(shape.size - 1);
  switch (shape.kind) {
    case BarKind::kNone: return 0;
    case BarKind::kIo: return static_cast<std::uint32_t>(above_size) & ~kIoFlags;
    case BarKind::kMemory32: return static_cast<std::uint32_t>(above_size) & ~kMemoryFlags;
    case BarKind::kMemory64: return above_size & ~std::uint64_t{kMemoryFlags};
  }
  return 0;
}

}  // namespace

std::array<BarShape, kBarCount> decode_bars(const std::array<std::uint32_t, kBarCount>& sizing_answers) {
  std::array<BarShape, kBarCount> shapes{};
  for (unsigned bar = 0; bar < kBarCount; ++bar) {
    const std::uint32_t low = sizing_answers[bar];
    BarShape& shape = shapes[bar];
    if ((low & PCI_BASE_ADDRESS_SPACE_IO) != 0) {
      // Bit 1 is hardwired to zero; where it is set, nothing answered.
      const std::uint64_t size = size_of(low & ~kIoFlags);
      if (size != 0 && (low & kIoReserved) == 0) shape = {.kind = BarKind::kIo, .size = size};
      continue;
    }

    const bool prefetchable = (low & PCI_BASE_ADDRESS_MEM_PREFETCH) != 0;
    const std::uint32_t type = low & PCI_BASE_ADDRESS_MEM_TYPE_MASK;
    if (type == PCI_BASE_ADDRESS_MEM_TYPE_64) {
      if (bar + 1 == kBarCount) continue;
      const std::uint64_t high = sizing_answers[bar + 1];
      const std::uint64_t size = size_of(high << 32 | (low & ~kMemoryFlags));
      if (size != 0) shape = {.kind = BarKind::kMemory64, .prefetchable = prefetchable, .size = size};
      ++bar;
    } else if (type == PCI_BASE_ADDRESS_MEM_TYPE_32 || type == PCI_BASE_ADDRESS_MEM_TYPE_1M) {
      // "Below 1 MiB" is history, and only a wish about where the guest puts it.
      const std::uint64_t size = size_of(low & ~kMemoryFlags);
      if (size != 0) shape = {.kind = BarKind::kMemory32, .prefetchable = prefetchable, .size = size};
    }
  }
  return shapes;
}

BarRegisters::BarRegisters(const std::array<BarShape, kBarCount>& shapes) : shapes_(shapes) {
  for (unsigned bar = 0; bar < kBarCount; ++bar) {
    if (shapes_[bar].size == 0) shapes_[bar] = {};
    if (shapes_[bar].kind != BarKind::kMemory64) continue;
    if (bar + 1 == kBarCount) {
      shapes_[bar] = {};
    } else {
      shapes_[++bar] = {};
    }
  }
  for (unsigned bar = 0; bar < kBarCount; ++bar) set_address(bar, 0);
}

const BarShape& BarRegisters::shape(unsigned bar) const { return shapes_[bar]; }

void BarRegisters::read(unsigned offset, std::span<std::uint8_t> data) const {
  for (std::uint8_t& byte : data) {
    byte = static_cast<std::uint8_t>(registers_[offset / 4] >> (offset % 4 * 8));
    ++offset;
  }
}

void BarRegisters::write(unsigned offset, std::span<const std::uint8_t> data) {
  const unsigned index = offset / 4;
  std::uint32_t value = registers_[index];
  for (const std::uint8_t byte : data) {
    const unsigned shift = offset++ % 4 * 8;
    value = (value & ~(0xffu << shift)) | std::uint32_t{byte} << shift;
  }
  const bool upper_half = index != 0 && shapes_[index - 1].kind == BarKind::kMemory64;
  if (upper_half) {
    registers_[index] = value & static_cast<std::uint32_t>(address_mask(shapes_[index - 1]) >> 32);
  } else {
    registers_[index] = (value & static_cast<std::uint32_t>(address_mask(shapes_[index]))) | fixed_bits(shapes_[index]);
  }
}

std::uint64_t BarRegisters::address(unsigned bar) const {
  const std::uint64_t high = shapes_[bar].kind == BarKind::kMemory64 ? registers_[bar + 1] : 0;
  return (high << 32 | registers_[bar]) & address_mask(shapes_[bar]);
}

void BarRegisters::set_address(unsigned bar, std::uint64_t address) {
  const std::uint64_t bits = address & address_mask(shapes_[bar]);
  if (shapes_[bar].kind == BarKind::kNone) return;
  registers_[bar] = static_cast<std::uint32_t>(bits) | fixed_bits(shapes_[bar]);
  if (shapes_[bar].kind == BarKind::kMemory64) registers_[bar + 1] = static_cast<std::uint32_t>(bits >> 32);
}

bool BarAllocator::allocate(const BarShape& shape, Gpa& address) {
  if (shape.kind == BarKind::kNone || !std::has_single_bit(shape.size)) return false;
  if (shape.kind == BarKind::kIo) return ports_.place(shape.size, address);
  const std::uint64_t size = std::max(shape.size, kPageSize);
  if (shape.kind == BarKind::kMemory64 && high_.place(size, address)) return true;
  return low_.place(size, address);
}

bool BarAllocator::Window::place(std::uint64_t size, Gpa& address) {
  // Zero stands for "wrapped around": no window that is any use starts there.
  const auto aligned = [size](Gpa from) { return Gpa(align_up(from.value, size)); };
  Range<Gpa> candidate{aligned(range.start), size};
  const auto fits = [&] { return candidate.start.value != 0 && range.contains(candidate); };

  // `taken` ascends, so one pass meets whatever is in the way.
  for (const Range<Gpa>& other : taken) {
    if (!fits()) return false;
    if (other.overlaps(candidate)) candidate.start = aligned(other.end());
  }
  if (!fits()) return false;
  taken.insert(std::ranges::upper_bound(taken, candidate.start, {}, &Range<Gpa>::start), candidate);
  address = candidate.start;
  return true;
}

}  // namespace strait::pci
