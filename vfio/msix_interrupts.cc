#include "vfio/msix_interrupts.h"

namespace strait::vfio {

MsixInterrupts::MsixInterrupts(AssignedDevice& device, InterruptRouter& router, const pci::MsixLayout& layout, IntxInterrupt* intx,
                               bool grow)
    : device_(device), layout_(layout), state_(layout.vectors), vectors_(device, router, IrqIndex::kMsix, layout.vectors, intx, grow) {}

MsixInterrupts::~MsixInterrupts() { reset(); }

std::uint16_t MsixInterrupts::control() {
  const std::lock_guard lock(mutex_);
  return state_.control();
}

void MsixInterrupts::write_control(std::uint16_t value) {
  const std::lock_guard lock(mutex_);
  vectors_.apply(state_.write_control(value));
}

void MsixInterrupts::read_table(std::uint32_t offset, std::span<std::uint8_t> data) {
  table_accesses_.add();
  const std::lock_guard lock(mutex_);
  state_.read_table(offset, data);
}

void MsixInterrupts::write_table(std::uint32_t offset, std::span<const std::uint8_t> data) {
  table_accesses_.add();
  const std::lock_guard lock(mutex_);
  vectors_.apply(state_.write_table(offset, data));
}

void MsixInterrupts::read_pba(std::uint32_t offset, std::span<std::uint8_t> data) {
  const std::lock_guard lock(mutex_);
  state_.read_pba(offset, data, [this](std::uint16_t number) { return pending(number); });
}

void MsixInterrupts::reset() {
  const std::lock_guard lock(mutex_);
  vectors_.apply(state_.reset());
}

unsigned MsixInterrupts::armed_vectors() {
  const std::lock_guard lock(mutex_);
  return vectors_.armed_vectors();
}

std::size_t MsixInterrupts::host_vectors() {
  const std::lock_guard lock(mutex_);
  return vectors_.host_vectors();
}

MessageFacts MsixInterrupts::facts() {
  const std::lock_guard lock(mutex_);
  return {.vectors = state_.vectors(),
          .enabled = state_.enabled(),
          .function_masked = state_.function_masked(),
          .unmasked = state_.unmasked_vectors(),
          .connected = state_.connected_vectors(),
          .working = vectors_.working_vectors()};
}

bool MsixInterrupts::pending(std::uint16_t number) const {
  if (const auto waiting = vectors_.pending(number)) return *waiting;
  std::uint8_t bits = 0;
  return state_.enabled() && device_.read(layout_.pba_bar, layout_.pba_offset + number / 8u, {&bits, 1}) && ((bits >> (number % 8)) & 1) != 0;
}

}  // namespace strait::vfio
