#include "vfio/intx_interrupt.h"

#include <cstring>

#include "base/log.h"
#include "base/syscall.h"

namespace strait::vfio {
namespace {

/// Lines that the guest can cause again and again.
log::Budget guest_lines;

}  // namespace

IntxInterrupt::IntxInterrupt(AssignedDevice& device, InterruptRouter& router, Gsi pin)
    : device_(device), router_(router), pin_(pin), trigger_(make_eventfd()), resample_(make_eventfd()) {
  turn_on();
}

void IntxInterrupt::suspend() {
  if (suspensions_++ == 0) turn_off();
}

void IntxInterrupt::resume() {
  if (--suspensions_ == 0) turn_on();
}

/// The guest's side first: the device may have something to say as soon as it is heard. An unmask that was signalled before VFIO listens is
/// not lost, because VFIO looks at the counter when it begins to.
void IntxInterrupt::turn_on() {
  if (!router_.attach_level(pin_, trigger_.get(), resample_.get())) return;
  on_ = true;
  const int trigger = trigger_.get();
  int result = device_.set_irqs(IrqIndex::kIntx, 0, {&trigger, 1});
  if (result == 0) result = device_.unmask_with(IrqIndex::kIntx, resample_.get());
  if (result == 0) return;
  constexpr const char* kBusy = "another driver of the host has the same interrupt line, and this device cannot share it";
  log::warning(guest_lines, "{}: its INTx pin stays silent: {}", device_.name(), result == -EBUSY ? kBusy : std::strerror(-result));
  turn_off();
}

void IntxInterrupt::turn_off() {
  if (!on_) return;
  on_ = false;
  device_.disable_irqs(IrqIndex::kIntx);
  router_.detach_level(pin_, trigger_.get());
  // What was under way belongs to the time before.
  drain_eventfd(trigger_.get());
  drain_eventfd(resample_.get());
}

}  // namespace strait::vfio
