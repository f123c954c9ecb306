#pragma once

#include <cstdint>
#include <functional>

#include "devices/bus.h"

namespace strait {

/// pvpanic: the port at which a guest's kernel says that it panicked (QEMU's specification docs/specs/pvpanic). Reading tells the events
/// that are understood; the DSDT announces it as QEMU0001. Stateless; any thread.
class PanicPort : public BusDevice {
 public:
  static constexpr std::uint16_t kPort = 0x505;
  static constexpr std::uint64_t kSize = 1;
  static constexpr std::uint8_t kPanicked = 1 << 0;

  /// `on_panic` is called from the vCPU thread that reports it; it may not block.
  explicit PanicPort(std::function<void()> on_panic);

  void read(std::uint64_t offset, std::span<std::uint8_t> data) override;
  void write(std::uint64_t offset, std::span<const std::uint8_t> data) override;

 private:
  std::function<void()> on_panic_;
};

}  // namespace strait
