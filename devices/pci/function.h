#pragma once

#include <cstdint>
#include <span>

namespace strait::pci {

/// One PCI function as the root bus sees it: 4 KiB of configuration space. Calls come from any vCPU thread, one at a time
/// for the whole bus (the root bus holds its lock). Neither throws.
class Function {
 public:
  virtual ~Function() = default;
  /// `data` is 1, 2 or 4 bytes, naturally aligned, at `offset` 0 to 4095.
  virtual void read_config(std::uint16_t offset, std::span<std::uint8_t> data) = 0;
  virtual void write_config(std::uint16_t offset, std::span<const std::uint8_t> data) = 0;
};

}  // namespace strait::pci
