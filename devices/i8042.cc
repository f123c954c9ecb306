#include "devices/i8042.h"

#include <utility>

#include "base/little_endian.h"

namespace strait {
namespace {

constexpr std::uint8_t kStatusInputBufferFull = 0x02;
constexpr std::uint8_t kStatus = 0xff & ~kStatusInputBufferFull;
constexpr std::uint8_t kCommandPulseReset = 0xfe;

}  // namespace

I8042::I8042(std::function<void()> on_reset) : on_reset_(std::move(on_reset)) {}

void I8042::read(std::uint64_t /*offset*/, std::span<std::uint8_t> data) {
  fill_ones(data);
  data.front() = kStatus;
}

void I8042::write(std::uint64_t /*offset*/, std::span<const std::uint8_t> data) {
  if (data.front() == kCommandPulseReset && on_reset_) on_reset_();
}

}  // namespace strait
