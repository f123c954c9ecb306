#pragma once

#include "devices/pci/msi.h"
#include "vfio/function_facts.h"
#include "vfio/message_interrupts.h"

namespace strait::vfio {

/// One device's MSI: the guest's view of the capability's registers, and the vectors behind it. Not thread-safe: the function holds its
/// lock.
class MsiInterrupts {
 public:
  /// `capability` is where the capability lies in the device's configuration space.
  MsiInterrupts(AssignedDevice& device, InterruptRouter& router, std::uint16_t capability, const pci::MsiLayout& layout, IntxInterrupt* intx);
  /// Detaches every vector and turns the device's MSI off.
  ~MsiInterrupts();
  MsiInterrupts(const MsiInterrupts&) = delete;
  MsiInterrupts& operator=(const MsiInterrupts&) = delete;

  /// Bytes from the capability's ID to its end.
  std::uint16_t size() const { return state_.layout().size(); }
  /// The guest's accesses, as MsiState takes them.
  void read(std::uint16_t offset, std::span<std::uint8_t> data) const;
  void write(std::uint16_t offset, std::span<const std::uint8_t> data);
  /// The state after a device reset.
  void reset();

  unsigned armed_vectors() const { return vectors_.armed_vectors(); }
  MessageFacts facts() const;
  std::size_t host_vectors() const { return vectors_.host_vectors(); }
  std::uint64_t routes_staged() const { return vectors_.routes_staged(); }

 private:
  bool pending(std::uint16_t number) const;

  AssignedDevice& device_;
  const std::uint16_t capability_;
  pci::MsiState state_;
  MessageInterrupts vectors_;
};

}  // namespace strait::vfio
