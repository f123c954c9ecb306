#include "devices/debug_exit.h"

#include <utility>

#include "base/little_endian.h"

namespace strait {

DebugExit::DebugExit(std::function<void(std::uint8_t)> on_exit) : on_exit_(std::move(on_exit)) {}

void DebugExit::read(std::uint64_t /*offset*/, std::span<std::uint8_t> data) { fill_ones(data); }

void DebugExit::write(std::uint64_t /*offset*/, std::span<const std::uint8_t> data) {
  if (on_exit_) on_exit_(data.front());
}

}  // namespace strait
