#pragma once

#include <cstdint>
#include <functional>

#include "devices/bus.h"

namespace strait {

/// A port through which a test inside the guest hands its result out: writing a byte ends the run with that value.
/// Stateless; any thread.
class DebugExit : public BusDevice {
 public:
  static constexpr std::uint64_t kSize = 1;

  /// `on_exit` gets each value written, 0 to 255, on the vCPU thread that wrote it; it may not block.
  explicit DebugExit(std::function<void(std::uint8_t)> on_exit);

  /// All ones, as if nothing were there: the port is write-only.
  void read(std::uint64_t offset, std::span<std::uint8_t> data) override;
  void write(std::uint64_t offset, std::span<const std::uint8_t> data) override;

 private:
  std::function<void(std::uint8_t)> on_exit_;
};

}  // namespace strait
