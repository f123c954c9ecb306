// Sizing answers from hardware, guest writes to the registers they decode to, and the placement of what they describe.

#include <array>
#include <bit>
#include <vector>

#include "base/little_endian.h"
#include "base/units.h"
#include "devices/pci/bar.h"
#include "tests/fuzz/devices/input.h"

namespace {

using namespace strait;
using namespace strait::pci;
using fuzz::Input;
using fuzz::require;

using Shapes = std::array<BarShape, kBarCount>;

bool is_upper_half(const Shapes& shapes, unsigned bar) { return bar != 0 && shapes[bar - 1].kind == BarKind::kMemory64; }

std::uint32_t read_register(const BarRegisters& registers, unsigned bar) {
  std::array<std::uint8_t, 4> data{};
  registers.read(bar * 4, data);
  return load<std::uint32_t>(data);
}

void check_shapes(const Shapes& shapes) {
  for (unsigned bar = 0; bar < kBarCount; ++bar) {
    const BarShape& shape = shapes[bar];
    if (shape.kind == BarKind::kNone) {
      require(shape == BarShape{}, "an absent BAR has no properties");
      continue;
    }
    require(std::has_single_bit(shape.size), "a size is a power of two");
    require(shape.size >= (shape.kind == BarKind::kIo ? 4 : 16), "no BAR is smaller than its flag bits");
    if (shape.kind == BarKind::kMemory64) {
      require(bar + 1 < kBarCount && shapes[bar + 1].kind == BarKind::kNone, "a 64-bit BAR takes two registers");
    } else {
      require(shape.size <= std::uint64_t{1} << 31, "a 32-bit BAR has a 32-bit size");
    }
  }
}

void check_registers(const BarRegisters& registers, const Shapes& shapes) {
  for (unsigned bar = 0; bar < kBarCount; ++bar) {
    const BarShape& shape = shapes[bar];
    require(registers.shape(bar) == shape, "the registers keep the shapes they were given");
    const std::uint32_t value = read_register(registers, bar);
    if (shape.kind == BarKind::kNone) {
      require(value == 0 || is_upper_half(shapes, bar), "an absent BAR reads as zero");
      require(registers.address(bar) == 0, "an absent BAR has no address");
      continue;
    }
    const std::uint64_t address = registers.address(bar);
    require(is_aligned(address, shape.size), "addresses are aligned to the size");
    const std::uint32_t flags = value & (shape.kind == BarKind::kIo ? 0x3 : 0xf);
    const std::uint32_t memory_flags = (shape.kind == BarKind::kMemory64 ? 0x4u : 0u) | (shape.prefetchable ? 0x8u : 0u);
    require(flags == (shape.kind == BarKind::kIo ? 0x1u : memory_flags), "flag bits are the hardware's");
    require((value ^ flags) == static_cast<std::uint32_t>(address), "the register holds the address");
  }
}

void write_registers(BarRegisters& registers, const Shapes& shapes, Input& input) {
  const unsigned width = 1u << input.next<std::uint8_t>() % 3;
  const unsigned offset = input.next<std::uint8_t>() % (kBarCount * 4) / width * width;
  const auto value = input.next<std::uint32_t>();
  std::array<std::uint8_t, 4> data{};
  store(std::span<std::uint8_t>(data), 0, value);
  registers.write(offset, std::span(data).first(width));
  check_registers(registers, shapes);
}

void check_sizing(BarRegisters registers, const Shapes& shapes) {
  constexpr std::array<std::uint8_t, 4> kOnes = {0xff, 0xff, 0xff, 0xff};
  std::array<std::uint32_t, kBarCount> answers{};
  for (unsigned bar = 0; bar < kBarCount; ++bar) registers.write(bar * 4, kOnes);
  for (unsigned bar = 0; bar < kBarCount; ++bar) answers[bar] = read_register(registers, bar);
  require(decode_bars(answers) == shapes, "what the guest sizes is what the hardware has");

  BarRegisters set = registers;
  for (unsigned bar = 0; bar < kBarCount; ++bar) {
    set.set_address(bar, ~std::uint64_t{0});
    require(set.address(bar) == registers.address(bar), "the guest's writes reach every address bit, in both halves");
  }
}

/// Windows as there are: one below 4 GiB, one above, one of ports.
void place(const Shapes& shapes, Input& input) {
  const std::uint64_t start = input.next<std::uint32_t>();
  const Range<Gpa> low{Gpa(start), std::min<std::uint64_t>(input.next<std::uint32_t>(), 4 * kGiB - start)};
  const Range<Gpa> high{Gpa(4 * kGiB + (input.next<std::uint64_t>() >> 12)), input.next<std::uint64_t>() >> 12};
  const Range<Gpa> ports{Gpa(0x1000), 0xf000};
  BarAllocator allocator(low, high, ports);
  std::vector<Range<Gpa>> placed, placed_ports;
  for (int i = 0; i < 64; ++i) {
    BarShape shape = shapes[static_cast<unsigned>(i) % kBarCount];
    if (!input.empty()) shape.size = std::uint64_t{1} << input.next<std::uint8_t>() % 64;
    Gpa address;
    if (!allocator.allocate(shape, address)) continue;
    require(shape.kind != BarKind::kNone, "only what is there");
    const bool io = shape.kind == BarKind::kIo;
    const Range<Gpa> range{address, io ? shape.size : std::max(shape.size, kPageSize)};
    require(is_aligned(address.value, range.size), "natural alignment, at least a page in memory");
    const bool in_memory = low.contains(range) || (shape.kind == BarKind::kMemory64 && high.contains(range));
    require(io ? ports.contains(range) : in_memory, "inside its window");
    auto& others = io ? placed_ports : placed;
    for (const auto& other : others) require(!range.overlaps(other), "no overlap");
    others.push_back(range);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  std::array<std::uint32_t, kBarCount> answers{};
  for (auto& answer : answers) answer = input.next<std::uint32_t>();
  const Shapes shapes = decode_bars(answers);
  check_shapes(shapes);

  BarRegisters registers(shapes);
  check_registers(registers, shapes);
  const unsigned writes = input.next<std::uint8_t>() % 32;
  for (unsigned i = 0; i < writes; ++i) write_registers(registers, shapes, input);
  for (unsigned bar = 0; bar < kBarCount; ++bar) {
    const std::uint64_t address = registers.address(bar);
    registers.set_address(bar, address);
    require(registers.address(bar) == address, "setting an address that was read changes nothing");
  }
  check_registers(registers, shapes);
  check_sizing(registers, shapes);
  place(shapes, input);
  return 0;
}
