#include "vfio/msix_interrupts.h"

#include <poll.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/syscall.h"

namespace strait::vfio {
namespace {

/// Lines that the guest can cause again and again.
log::Budget guest_lines;

}  // namespace

using pci::MsixEffect;

MsixInterrupts::MsixInterrupts(AssignedDevice& device, MsiRouter& router, const pci::MsixLayout& layout)
    : device_(device),
      router_(router),
      layout_(layout),
      dynamic_(device.irq_info(IrqIndex::kMsix).dynamic),
      state_(layout.vectors),
      vectors_(layout.vectors) {
  log::debug("{}: {} MSI-X vectors, {}", device.name(), layout.vectors, dynamic_ ? "dynamic" : "NORESIZE");
}

MsixInterrupts::~MsixInterrupts() { reset(); }

std::uint16_t MsixInterrupts::control() {
  const std::lock_guard lock(mutex_);
  return state_.control();
}

void MsixInterrupts::write_control(std::uint16_t value) {
  const std::lock_guard lock(mutex_);
  apply(state_.write_control(value));
}

void MsixInterrupts::read_table(std::uint32_t offset, std::span<std::uint8_t> data) {
  table_accesses_.add();
  const std::lock_guard lock(mutex_);
  state_.read_table(offset, data);
}

void MsixInterrupts::write_table(std::uint32_t offset, std::span<const std::uint8_t> data) {
  table_accesses_.add();
  const std::lock_guard lock(mutex_);
  apply(state_.write_table(offset, data));
}

void MsixInterrupts::read_pba(std::uint32_t offset, std::span<std::uint8_t> data) {
  const std::lock_guard lock(mutex_);
  state_.read_pba(offset, data, [this](std::uint16_t number) { return pending(number); });
}

void MsixInterrupts::reset() {
  const std::lock_guard lock(mutex_);
  apply(state_.reset());
}

unsigned MsixInterrupts::armed_vectors() {
  const std::lock_guard lock(mutex_);
  return static_cast<unsigned>(std::count_if(vectors_.begin(), vectors_.end(), [](const Vector& vector) { return vector.armed; }));
}

/// As long as VFIO has no eventfd for the vector, its host interrupt is off, and the device itself remembers.
bool MsixInterrupts::pending(std::uint16_t number) const {
  if (!vectors_[number].armed) {
    std::uint8_t bits = 0;
    return state_.enabled() && device_.read(layout_.pba_bar, layout_.pba_offset + number / 8u, {&bits, 1}) && ((bits >> (number % 8)) & 1) != 0;
  }
  pollfd request = {.fd = vectors_[number].eventfd.get(), .events = POLLIN, .revents = 0};
  return request.fd >= 0 && ::poll(&request, 1, 0) == 1;
}

void MsixInterrupts::apply(const std::vector<MsixEffect>& effects) {
  bool staged = false;
  for (const MsixEffect& effect : effects) {
    switch (effect.kind) {
      case MsixEffect::Kind::kConnect:
        connecting_.push_back(effect.vector);
        [[fallthrough]];
      case MsixEffect::Kind::kReroute:
        stage(effect.vector, effect.message);
        staged = true;
        break;
      case MsixEffect::Kind::kDisconnect: {
        Vector& vector = vectors_[effect.vector];
        if (vector.attached) router_.detach(*vector.gsi, vector.eventfd.get());
        vector.attached = false;
        std::erase(connecting_, effect.vector);
        break;
      }
      case MsixEffect::Kind::kEnable: enable(); break;
      case MsixEffect::Kind::kDisable: disable(); break;
    }
  }
  if (staged) commit_and_attach();
}

/// The device's own MSI-X Enable follows the guest's at once, though no vector is wanted yet: mailboxes and firmware look at it.
void MsixInterrupts::enable() {
  std::vector<int> none(dynamic_ ? 1 : layout_.vectors, -1);
  int result = device_.set_irqs(IrqIndex::kMsix, 0, none);
  if (result > 0) {
    log::warning(guest_lines, "{}: the host has only {} of {} MSI-X vectors left", device_.name(), result, none.size());
    none.resize(std::min(none.size(), static_cast<std::size_t>(result)));
    result = device_.set_irqs(IrqIndex::kMsix, 0, none);
  }
  if (result != 0) log::warning(guest_lines, "{}: enabling MSI-X: {}", device_.name(), result > 0 ? "the host has no interrupts left" : std::strerror(-result));
}

void MsixInterrupts::disable() {
  device_.disable_irqs(IrqIndex::kMsix);
  for (Vector& vector : vectors_) {
    if (vector.gsi) router_.release(*vector.gsi);
    vector = {};
  }
}

void MsixInterrupts::stage(std::uint16_t number, const MsiMessage& message) {
  Vector& vector = vectors_[number];
  try {
    if (!vector.eventfd) vector.eventfd = make_eventfd();
    if (!vector.gsi) vector.gsi = router_.allocate();
  } catch (const Error& error) {
    log::warning(guest_lines, "{}: vector {} stays silent: {}", device_.name(), number, error.what());
    return;
  }
  router_.stage(*vector.gsi, message);
  routes_staged_.add();
}

/// Routes first, then irqfds, then the host's interrupts: each may fire as soon as it is there.
void MsixInterrupts::commit_and_attach() {
  if (!router_.commit()) return;  // those that wait go with the next commit that succeeds
  for (const std::uint16_t number : std::exchange(connecting_, {})) {
    Vector& vector = vectors_[number];
    if (!vector.gsi) continue;
    vector.attached = router_.attach(*vector.gsi, vector.eventfd.get());
    if (!vector.armed) arm(number);
  }
}

void MsixInterrupts::arm(std::uint16_t number) {
  const int eventfd = vectors_[number].eventfd.get();
  const int result = device_.set_irqs(IrqIndex::kMsix, number, {&eventfd, 1});
  vectors_[number].armed = result == 0;
  if (result != 0) {
    log::warning(guest_lines, "{}: vector {} stays silent: {}", device_.name(), number,
               result > 0 ? "the host has no interrupt left for it" : std::strerror(-result));
  }
}

}  // namespace strait::vfio
