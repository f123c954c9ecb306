#pragma once

#include "devices/pci/config_space.h"
#include "devices/pci/function.h"

namespace strait::pci {

/// Function 00:00.0: what a guest expects to find first on bus 0. It decodes nothing and every register is read-only.
class HostBridge : public Function {
 public:
  HostBridge();

  void read_config(std::uint16_t offset, std::span<std::uint8_t> data) override;
  void write_config(std::uint16_t offset, std::span<const std::uint8_t> data) override;

 private:
  ConfigSpace config_;
};

}  // namespace strait::pci
