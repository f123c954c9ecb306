#pragma once

#include <linux/pci_regs.h>

#include <array>
#include <type_traits>

#include "base/little_endian.h"
#include "base/types.h"
#include "base/units.h"
#include "devices/pci/function.h"

namespace strait::test {

/// A guest's accesses to the configuration space of `function`, of sizeof(T) bytes.
template <typename T>
T read_config(pci::Function& function, std::uint16_t offset) {
  std::array<std::uint8_t, sizeof(T)> data{};
  function.read_config(offset, data);
  return load<T>(data);
}
template <typename T>
void write_config(pci::Function& function, std::uint16_t offset, std::type_identity_t<T> value) {
  std::array<std::uint8_t, sizeof(T)> data{};
  store(std::span<std::uint8_t>(data), 0, value);
  function.write_config(offset, data);
}

/// What an operating system does with a function whose only BAR is a 32-bit one for memory: sizes it, gives it the next naturally aligned
/// place from `from` on, and enables it.
inline Range<Gpa> place_bar0(pci::Function& function, std::uint64_t from) {
  write_config<std::uint32_t>(function, PCI_BASE_ADDRESS_0, ~0u);
  const std::uint64_t size = ~read_config<std::uint32_t>(function, PCI_BASE_ADDRESS_0) + 1u, address = align_up(from, size);
  write_config<std::uint32_t>(function, PCI_BASE_ADDRESS_0, static_cast<std::uint32_t>(address));
  write_config<std::uint16_t>(function, PCI_COMMAND, PCI_COMMAND_MEMORY);
  return {Gpa(address), size};
}

}  // namespace strait::test
