#include "devices/panic_port.h"

#include <utility>

#include "base/little_endian.h"

namespace strait {

PanicPort::PanicPort(std::function<void()> on_panic) : on_panic_(std::move(on_panic)) {}

void PanicPort::read(std::uint64_t /*offset*/, std::span<std::uint8_t> data) { store_access(data, kPanicked); }

void PanicPort::write(std::uint64_t /*offset*/, std::span<const std::uint8_t> data) {
  if ((data.front() & kPanicked) != 0) on_panic_();
}

}  // namespace strait
