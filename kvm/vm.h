#pragma once

#include <cstdint>

#include "base/types.h"
#include "base/unique_fd.h"
#include "devices/interrupt_router.h"
#include "devices/irq_line.h"
#include "kvm/kvm.h"

namespace strait::kvm {

/// One virtual machine: interrupt controllers (PIC, IOAPIC, LAPICs) and PIT in the kernel. Any thread.
class Vm {
 public:
  /// `tss` (three pages) and `identity_map` (one) are where KVM may keep pages of its own in the guest's address space: below 4 GiB, and
  /// neither RAM nor device. Throws Error.
  Vm(const Kvm& kvm, Gpa tss, Gpa identity_map);

  int fd() const { return fd_.get(); }
  const Kvm& kvm() const { return kvm_; }

  /// Leaves to the guest what a processor does that waits: HLT, PAUSE, and MWAIT where this host can, of which it says whether. Before the first
  /// vCPU. Throws Error where KVM does not let it have HLT.
  bool leave_idling_to_guest() const;

  /// Drives a pin of the PIC and IOAPIC.
  void set_irq(Gsi gsi, bool asserted) const;
  /// Raises a message-signalled interrupt.
  void signal_msi(const MsiMessage& message) const;
  /// Lets KVM collect writes to [port, port + size) and hand them over with the next exit (see CoalescedWrites). Returns false
  /// where the host cannot.
  bool coalesce_writes(Port port, std::uint32_t size) const;
  /// Tells KVM of a VFIO group whose devices the guest drives (cache attributes, posted interrupts), and of its end.
  void add_vfio_group(int group_fd);
  void remove_vfio_group(int group_fd);

 private:
  const Kvm& kvm_;
  UniqueFd fd_;
  UniqueFd vfio_device_;
};

/// A pin of the in-kernel interrupt controllers.
class IrqPin : public IrqLine {
 public:
  IrqPin(const Vm& vm, Gsi gsi) : vm_(vm), gsi_(gsi) {}
  void set(bool asserted) override { vm_.set_irq(gsi_, asserted); }

 private:
  const Vm& vm_;
  Gsi gsi_;
};

}  // namespace strait::kvm
