#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/counter.h"
#include "base/unique_fd.h"
#include "devices/interrupt_router.h"
#include "devices/pci/message_effect.h"
#include "vfio/assigned_device.h"
#include "vfio/intx_interrupt.h"

namespace strait::vfio {

/// The vectors of one device's MSI or MSI-X: carries out what the guest's writes ask for, so that the device's interrupts go from the
/// kernel's handler through an irqfd into the guest, with no thread of ours in between.
///
/// A vector gets its eventfd, GSI and host interrupt when it is first connected, and keeps them until the kind is disabled. Disconnecting
/// takes the irqfd away and leaves the rest: from then on the eventfd's counter is the pending bit, and connecting, which attaches the irqfd
/// again, delivers it. A toggle therefore costs one KVM_IRQFD call. Not thread-safe: the owner holds its lock.
class MessageInterrupts {
 public:
  /// `kind` is kMsi or kMsix, `vectors` the most there can be. While the kind is enabled, `intx`, if there is one, is suspended: VFIO has
  /// one kind on at a time. Without `grow` all vectors are enabled at once even where the host could add them one by one.
  MessageInterrupts(AssignedDevice& device, InterruptRouter& router, IrqIndex kind, std::uint16_t vectors, IntxInterrupt* intx, bool grow = true);

  /// What MsiState or MsixState says, all of it.
  void apply(const std::vector<pci::MessageEffect>& effects);

  /// Whether an interrupt of a disconnected vector waits; nothing where VFIO does not signal the vector: then its host interrupt is off, and
  /// the device itself remembers.
  std::optional<bool> pending(std::uint16_t number) const;
  /// Connected vectors with all that they take: a host interrupt, and a route into the guest.
  unsigned working_vectors() const;
  /// Vectors that have a host interrupt now.
  unsigned armed_vectors() const;
  /// The most interrupts of the host's that the vectors had at a time, those that VFIO does not signal included.
  std::size_t host_vectors() const { return most_host_vectors_; }
  /// Times that a vector's message was handed to the router. Any thread.
  std::uint64_t routes_staged() const { return routes_staged_.value(); }

 private:
  struct Vector {
    UniqueFd eventfd;
    std::optional<Gsi> gsi;
    bool attached = false;
    bool allocated = false;  ///< the host has an interrupt for it
    bool armed = false;      ///< and VFIO signals the eventfd
  };
  void enable(std::uint16_t vectors);
  void disable();
  void stage(std::uint16_t number, const MsiMessage& message);
  void commit_and_attach();
  void arm(std::uint16_t number);
  void note_allocated(std::size_t start, std::size_t count);

  AssignedDevice& device_;
  InterruptRouter& router_;
  const IrqIndex kind_;
  IntxInterrupt* const intx_;
  const bool dynamic_;
  std::vector<Vector> vectors_;
  std::vector<std::uint16_t> connecting_;  ///< their routes are staged
  std::size_t most_host_vectors_ = 0;
  Counter routes_staged_;
};

}  // namespace strait::vfio
