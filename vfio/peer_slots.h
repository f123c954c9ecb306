#pragma once

#include <map>
#include <mutex>

#include "devices/memory_slots.h"
#include "vfio/dma_space.h"

namespace strait::vfio {

/// Memory slots for BARs that other assigned devices reach as well as the guest does (peer-to-peer DMA): what is placed in the guest is
/// mapped for DMA at the same address, and taken away first. A host that cannot map it says so in the log, and the guest has its BAR all
/// the same. Any thread.
class PeerSlots : public MemorySlots {
 public:
  PeerSlots(MemorySlots& slots, DmaSpace& space) : slots_(slots), space_(space) {}

  Slot add(Gpa start, std::span<std::uint8_t> host, bool read_only = false) override;
  void remove(Slot slot) override;

 private:
  MemorySlots& slots_;
  DmaSpace& space_;
  std::mutex mutex_;
  std::map<Slot, Range<Iova>> mapped_;
};

}  // namespace strait::vfio
