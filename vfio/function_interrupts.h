#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <vector>

#include "devices/interrupt_router.h"
#include "vfio/assigned_device.h"
#include "vfio/config_model.h"
#include "vfio/function_facts.h"
#include "vfio/intx_interrupt.h"
#include "vfio/msi_interrupts.h"
#include "vfio/msix_interrupts.h"

namespace strait::vfio {

/// All that a function's guest-visible interrupts are made of: the INTx pin, MSI and MSI-X, as far as the device has them and VFIO offers
/// them. The guest chooses by the enable bits; the pin is on while neither MSI nor MSI-X is.
///
/// Configuration accesses with the function's lock held; table and PBA by any thread.
class FunctionInterrupts {
 public:
  /// GSIs of the guest slot's pins INTA to INTD.
  using Pins = std::array<Gsi, 4>;

  /// Without `dynamic_msix` all MSI-X vectors are enabled at once even where the host could add them one by one.
  FunctionInterrupts(AssignedDevice& device, InterruptRouter& router, const ConfigModel& model, const Pins& pins, bool dynamic_msix = true);

  /// Where MSI-X table and PBA lie in a BAR.
  std::vector<Area> structures(unsigned bar) const;

  /// Lays the registers that are ours over `data`, which is what the device says.
  void read_config(std::uint16_t offset, std::span<std::uint8_t> data) const;
  /// Takes what a write says to registers that are ours.
  void write_config(std::uint16_t offset, std::span<const std::uint8_t> data);

  /// How much of an access to a BAR is to MSI-X table or PBA.
  enum class Hit { kNone, kPart, kAll };
  Hit hit(unsigned bar, std::uint64_t offset, std::size_t size) const;
  /// Only for accesses that are kAll. Writes to the PBA are undefined (PCI 3.0 6.8.2.10): dropped.
  void read_bar(unsigned bar, std::uint64_t offset, std::span<std::uint8_t> data);
  void write_bar(unsigned bar, std::uint64_t offset, std::span<const std::uint8_t> data);

  /// The state after a device reset.
  void reset();

  /// Fills in what concerns interrupts.
  void add_to(FunctionFacts& facts) const;
  unsigned armed_vectors() const;
  /// The most interrupts of the host's that it had at a time for messages.
  std::size_t host_vectors() const { return std::max(msi_ ? msi_->host_vectors() : 0, msix_ ? msix_->host_vectors() : 0); }
  std::uint64_t table_accesses() const { return msix_ ? msix_->table_accesses() : 0; }
  std::uint64_t routes_staged() const { return (msix_ ? msix_->routes_staged() : 0) + (msi_ ? msi_->routes_staged() : 0); }

 private:
  const std::uint16_t msi_at_, msix_at_;
  std::unique_ptr<IntxInterrupt> intx_;  ///< outlives what suspends it
  std::unique_ptr<MsiInterrupts> msi_;
  std::unique_ptr<MsixInterrupts> msix_;
};

}  // namespace strait::vfio
