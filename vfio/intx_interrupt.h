#pragma once

#include "base/unique_fd.h"
#include "devices/interrupt_router.h"
#include "vfio/assigned_device.h"

namespace strait::vfio {

/// The INTx pin of an assigned device as a level-triggered pin of the guest's interrupt controllers (PCI 3.0 2.2.6).
///
/// The kernel masks the device's interrupt when it fires and signals one eventfd, which drives the guest's pin; when the guest has
/// handled it (EOI), KVM releases the pin and signals the other, and VFIO unmasks the device: all of it in the kernel. Not thread-safe: the
/// owner holds its lock.
class IntxInterrupt {
 public:
  /// On from the start, as a pin is. Where the host refuses, the pin stays silent and a line says why.
  IntxInterrupt(AssignedDevice& device, InterruptRouter& router, Gsi pin);
  ~IntxInterrupt() { turn_off(); }
  IntxInterrupt(const IntxInterrupt&) = delete;
  IntxInterrupt& operator=(const IntxInterrupt&) = delete;

  /// Off for as long as a message-signalled kind is on: as many resume() as suspend() turn it on again.
  void suspend();
  void resume();
  /// The device's interrupts go to the guest's pin.
  bool on() const { return on_; }

 private:
  void turn_on();
  void turn_off();

  AssignedDevice& device_;
  InterruptRouter& router_;
  const Gsi pin_;
  UniqueFd trigger_, resample_;
  unsigned suspensions_ = 0;
  bool on_ = false;
};

}  // namespace strait::vfio
