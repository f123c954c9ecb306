#pragma once

#include <functional>

#include "devices/bus.h"

namespace strait {

/// The one thing a PC without a keyboard controller still needs of it: a reset by command 0xFE on port 0x64.
///
/// The status register reads as "output buffer full, input buffer empty" for ever. A driver that probes drains the output buffer,
/// gives up after 16 bytes and reports no controller (Linux: under 1 ms; with an idle status it would wait 0.5 s for the
/// answer to a self test), and a kernel that reboots through the controller does not wait for the input buffer: with
/// all ones Linux polls the busy bit 65,536 times before each reset command.
///
/// Attach it to port 0x64 alone: 0x60 is nobody's, and 0x61 belongs to the PIT in the kernel. Stateless; any thread.
class I8042 : public BusDevice {
 public:
  static constexpr std::uint16_t kPort = 0x64;
  static constexpr std::uint64_t kSize = 1;

  /// `on_reset` is called from the vCPU thread that asks for the reset; it may not block.
  explicit I8042(std::function<void()> on_reset);

  void read(std::uint64_t offset, std::span<std::uint8_t> data) override;
  void write(std::uint64_t offset, std::span<const std::uint8_t> data) override;

 private:
  std::function<void()> on_reset_;
};

}  // namespace strait
