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
/// The order that the kernel wants: stage() and commit() the route, then attach(); detach() before release().
class MsiRouter {
 public:
  virtual ~MsiRouter() = default;
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
};

}  // namespace strait
