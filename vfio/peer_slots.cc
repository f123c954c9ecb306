#include "vfio/peer_slots.h"

#include "base/error.h"
#include "base/log.h"

namespace strait::vfio {
namespace {

/// Lines that the guest can cause again and again.
log::Budget guest_lines;

}  // namespace

MemorySlots::Slot PeerSlots::add(Gpa start, std::span<std::uint8_t> host, bool read_only) {
  const Slot slot = slots_.add(start, host, read_only);
  const Range<Iova> range{Iova(start.value), host.size()};
  try {
    space_.map(range.start, host);
    const std::lock_guard lock(mutex_);
    mapped_[slot] = range;
  } catch (const Error& error) {
    log::warning(guest_lines, "other devices cannot reach the BAR at {:#x}: {}", start.value, error.what());
  }
  return slot;
}

void PeerSlots::remove(Slot slot) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = mapped_.find(slot); found != mapped_.end()) {
      space_.unmap(found->second);
      mapped_.erase(found);
    }
  }
  slots_.remove(slot);
}

}  // namespace strait::vfio
