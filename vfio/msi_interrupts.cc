#include "vfio/msi_interrupts.h"

namespace strait::vfio {

MsiInterrupts::MsiInterrupts(AssignedDevice& device, InterruptRouter& router, std::uint16_t capability, const pci::MsiLayout& layout,
                             IntxInterrupt* intx)
    : device_(device), capability_(capability), state_(layout), vectors_(device, router, IrqIndex::kMsi, layout.vectors, intx) {}

MsiInterrupts::~MsiInterrupts() { reset(); }

void MsiInterrupts::read(std::uint16_t offset, std::span<std::uint8_t> data) const {
  state_.read(offset, data, [this](std::uint16_t number) { return pending(number); });
}

void MsiInterrupts::write(std::uint16_t offset, std::span<const std::uint8_t> data) { vectors_.apply(state_.write(offset, data)); }

void MsiInterrupts::reset() { vectors_.apply(state_.reset()); }

/// The guest's mask bits count only while MSI is enabled: how many vectors there are is settled then.
MessageFacts MsiInterrupts::facts() const {
  return {.vectors = state_.layout().vectors,
          .enabled = state_.enabled(),
          .function_masked = false,
          .unmasked = state_.connected_vectors(),
          .connected = state_.connected_vectors(),
          .working = vectors_.working_vectors()};
}

bool MsiInterrupts::pending(std::uint16_t number) const {
  if (const auto waiting = vectors_.pending(number)) return *waiting;
  std::uint8_t bits = 0;
  const auto at = static_cast<std::uint16_t>(capability_ + state_.layout().pending_offset() + number / 8);
  return state_.enabled() && device_.read(kConfigRegion, at, {&bits, 1}) && ((bits >> (number % 8)) & 1) != 0;
}

}  // namespace strait::vfio
