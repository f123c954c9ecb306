#pragma once

#include <mutex>

#include "base/counter.h"
#include "devices/pci/msix.h"
#include "vfio/function_facts.h"
#include "vfio/message_interrupts.h"

namespace strait::vfio {

/// One device's MSI-X: the guest's view of table, PBA and control, and the vectors behind it. Any thread: table and PBA are reached
/// without the function's lock.
class MsixInterrupts {
 public:
  /// `grow` as MessageInterrupts takes it.
  MsixInterrupts(AssignedDevice& device, InterruptRouter& router, const pci::MsixLayout& layout, IntxInterrupt* intx = nullptr, bool grow = true);
  /// Detaches every vector and turns the device's MSI-X off.
  ~MsixInterrupts();
  MsixInterrupts(const MsixInterrupts&) = delete;
  MsixInterrupts& operator=(const MsixInterrupts&) = delete;

  const pci::MsixLayout& layout() const { return layout_; }

  /// The guest's accesses, as MsixState takes them.
  std::uint16_t control();
  void write_control(std::uint16_t value);
  void read_table(std::uint32_t offset, std::span<std::uint8_t> data);
  void write_table(std::uint32_t offset, std::span<const std::uint8_t> data);
  void read_pba(std::uint32_t offset, std::span<std::uint8_t> data);
  /// The state after a device reset.
  void reset();

  /// Vectors that have a host interrupt now.
  unsigned armed_vectors();
  std::size_t host_vectors();
  MessageFacts facts();
  std::uint64_t table_accesses() const { return table_accesses_.value(); }
  std::uint64_t routes_staged() const { return vectors_.routes_staged(); }

 private:
  bool pending(std::uint16_t number) const;

  AssignedDevice& device_;
  const pci::MsixLayout layout_;
  std::mutex mutex_;
  pci::MsixState state_;
  MessageInterrupts vectors_;
  Counter table_accesses_;
};

}  // namespace strait::vfio
