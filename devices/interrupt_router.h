#pragma once

#include <cstdint>

#include "base/types.h"

namespace strait {

/// What a function writes to memory to raise a message-signalled interrupt (PCI 3.0 6.8.1).
struct MsiMessage {
  std::uint64_t address = 0;
  std::uint32_t data = 0;

  friend bool operator==(const MsiMessage&, const MsiMessage&) = default;
};

/// Turns eventfds into guest interrupts without a thread of ours in between. Any thread; calls are serialised inside.
///
/// The order that the kernel wants for messages: stage() and commit() the route, then attach(); detach() before release(). Pins of the
/// interrupt controllers have their routes from the start: attach_level() and detach_level() alone are for them.
class InterruptRouter {
 public:
  virtual ~InterruptRouter() = default;
  /// A GSI nobody else uses. Throws Error when KVM has no more.
  virtual Gsi allocate() = 0;
  /// Gives a detached GSI back.
  virtual void release(Gsi gsi) = 0;
  /// Notes the message that `gsi` is to send. Takes effect with commit(); an unchanged message costs nothing.
  virtual void stage(Gsi gsi, const MsiMessage& message) = 0;
  /// Hands everything staged to the kernel in one call; no call at all when nothing changed. False when the kernel refused.
  virtual bool commit() = 0;
  /// From now on each signal of `eventfd` sends the message of `gsi`; a count already in it sends one at once. False when
  /// the kernel refused.
  virtual bool attach(Gsi gsi, int eventfd) = 0;
  /// Signals of `eventfd` stay in its counter from now on. Injections under way have happened when this returns.
  virtual void detach(Gsi gsi, int eventfd) = 0;
  /// From now on a signal of `eventfd` drives the pin `gsi` until the guest has handled the interrupt; then it is released and `resample`
  /// is signalled, so that a source that still wants service can say so again. Several sources may share a pin. False when the kernel
  /// refused.
  virtual bool attach_level(Gsi gsi, int eventfd, int resample) = 0;
  /// Undoes it; the pin is released, unless another source drives it.
  virtual void detach_level(Gsi gsi, int eventfd) = 0;
};

}  // namespace strait
