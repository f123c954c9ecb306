#include "vfio/message_interrupts.h"

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

const char* name(IrqIndex kind) { return kind == IrqIndex::kMsi ? "MSI" : "MSI-X"; }

}  // namespace

using pci::MessageEffect;

MessageInterrupts::MessageInterrupts(AssignedDevice& device, InterruptRouter& router, IrqIndex kind, std::uint16_t vectors,
                                     IntxInterrupt* intx, bool grow)
    : device_(device), router_(router), kind_(kind), intx_(intx), dynamic_(grow && device.irq_info(kind).dynamic), vectors_(vectors) {
  log::debug("{}: {} {} vectors, {}", device.name(), vectors, name(kind), dynamic_ ? "dynamic" : "NORESIZE");
}

unsigned MessageInterrupts::armed_vectors() const {
  return static_cast<unsigned>(std::count_if(vectors_.begin(), vectors_.end(), [](const Vector& vector) { return vector.armed; }));
}

unsigned MessageInterrupts::working_vectors() const {
  return static_cast<unsigned>(std::ranges::count_if(vectors_, [](const Vector& vector) { return vector.attached && vector.armed; }));
}

std::optional<bool> MessageInterrupts::pending(std::uint16_t number) const {
  if (!vectors_[number].armed) return std::nullopt;
  pollfd request = {.fd = vectors_[number].eventfd.get(), .events = POLLIN, .revents = 0};
  return request.fd >= 0 && ::poll(&request, 1, 0) == 1;
}

void MessageInterrupts::apply(const std::vector<MessageEffect>& effects) {
  bool staged = false;
  for (const MessageEffect& effect : effects) {
    switch (effect.kind) {
      case MessageEffect::Kind::kConnect:
        connecting_.push_back(effect.vector);
        [[fallthrough]];
      case MessageEffect::Kind::kReroute:
        stage(effect.vector, effect.message);
        staged = true;
        break;
      case MessageEffect::Kind::kDisconnect: {
        Vector& vector = vectors_[effect.vector];
        if (vector.attached) router_.detach(*vector.gsi, vector.eventfd.get());
        vector.attached = false;
        std::erase(connecting_, effect.vector);
        break;
      }
      case MessageEffect::Kind::kEnable: enable(effect.vectors); break;
      case MessageEffect::Kind::kDisable: disable(); break;
    }
  }
  if (staged) commit_and_attach();
}

/// The device's own enable bit follows the guest's at once, though no vector may be wanted yet: mailboxes and firmware look at it.
void MessageInterrupts::enable(std::uint16_t vectors) {
  if (intx_ != nullptr) intx_->suspend();
  std::vector<int> none(dynamic_ ? 1 : vectors, -1);
  int result = device_.set_irqs(kind_, 0, none);
  if (result > 0) {
    log::warning(guest_lines, "{}: the host has only {} of {} {} vectors left", device_.name(), result, none.size(), name(kind_));
    none.resize(std::min(none.size(), static_cast<std::size_t>(result)));
    result = device_.set_irqs(kind_, 0, none);
  }
  if (result == 0) {
    note_allocated(0, none.size());
  } else {
    log::warning(guest_lines, "{}: enabling {}: {}", device_.name(), name(kind_), result > 0 ? "the host has no interrupts left" : std::strerror(-result));
  }
}

void MessageInterrupts::disable() {
  device_.disable_irqs(kind_);
  for (Vector& vector : vectors_) {
    if (vector.gsi) router_.release(*vector.gsi);
    vector = {};
  }
  if (intx_ != nullptr) intx_->resume();
}

void MessageInterrupts::stage(std::uint16_t number, const MsiMessage& message) {
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
void MessageInterrupts::commit_and_attach() {
  if (!router_.commit()) return;  // those that wait go with the next commit that succeeds
  for (const std::uint16_t number : std::exchange(connecting_, {})) {
    Vector& vector = vectors_[number];
    if (!vector.gsi) continue;
    vector.attached = router_.attach(*vector.gsi, vector.eventfd.get());
    if (!vector.armed) arm(number);
  }
}

void MessageInterrupts::arm(std::uint16_t number) {
  const int eventfd = vectors_[number].eventfd.get();
  const int result = device_.set_irqs(kind_, number, {&eventfd, 1});
  vectors_[number].armed = result == 0;
  if (result == 0) {
    note_allocated(number, 1);
  } else {
    log::warning(guest_lines, "{}: vector {} stays silent: {}", device_.name(), number,
                 result > 0 ? "the host has no interrupt left for it" : std::strerror(-result));
  }
}

void MessageInterrupts::note_allocated(std::size_t start, std::size_t count) {
  for (Vector& vector : std::span(vectors_).subspan(start, count)) vector.allocated = true;
  most_host_vectors_ = std::max(most_host_vectors_, static_cast<std::size_t>(std::ranges::count(vectors_, true, &Vector::allocated)));
}

}  // namespace strait::vfio
