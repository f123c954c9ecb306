#pragma once

#include <mutex>
#include <optional>
#include <vector>

#include "base/counter.h"
#include "base/unique_fd.h"
#include "devices/msi_router.h"
#include "devices/pci/msix.h"
#include "vfio/assigned_device.h"

namespace strait::vfio {

/// One device's MSI-X: carries out what the guest's writes ask for, so that the device's interrupts go from the kernel's handler through
/// an irqfd into the guest, with no thread of ours in between.
///
/// A vector gets its eventfd, GSI and host interrupt when the guest first unmasks it, and keeps them until MSI-X is disabled. Masking takes
/// the irqfd away and leaves the rest: from then on the eventfd's counter is the pending bit, and unmasking, which attaches the irqfd
/// again, delivers it. A toggle therefore costs one KVM_IRQFD call. Any thread.
class MsixInterrupts {
 public:
  MsixInterrupts(AssignedDevice& device, MsiRouter& router, const pci::MsixLayout& layout);
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
  std::uint64_t table_accesses() const { return table_accesses_.value(); }
  /// Times that a vector's message was handed to the router.
  std::uint64_t routes_staged() const { return routes_staged_.value(); }

 private:
  struct Vector {
    UniqueFd eventfd;
    std::optional<Gsi> gsi;
    bool attached = false;
    bool armed = false;  ///< VFIO signals the eventfd
  };
  void apply(const std::vector<pci::MsixEffect>& effects);
  void enable();
  void disable();
  void stage(std::uint16_t number, const MsiMessage& message);
  void commit_and_attach();
  void arm(std::uint16_t number);
  bool pending(std::uint16_t number) const;

  AssignedDevice& device_;
  MsiRouter& router_;
  const pci::MsixLayout layout_;
  const bool dynamic_;
  std::mutex mutex_;
  pci::MsixState state_;
  std::vector<Vector> vectors_;
  std::vector<std::uint16_t> connecting_;  ///< their routes are staged
  Counter table_accesses_, routes_staged_;
};

}  // namespace strait::vfio
