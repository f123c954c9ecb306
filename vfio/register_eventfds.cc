#include "vfio/register_eventfds.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/error.h"
#include "base/log.h"
#include "base/syscall.h"
#include "base/units.h"

namespace strait::vfio {
namespace {

/// Lines that the guest can cause again and again.
log::Budget guest_lines;

/// KVM and VFIO know these widths; VFIO would make a misaligned write in one piece, which a trapped one is not.
bool suits(const RegisterWrite& write) { return std::has_single_bit(write.size) && write.size <= 8 && is_aligned(write.offset, write.size); }

}  // namespace

RegisterEventfds::~RegisterEventfds() {
  for (unsigned bar = 0; bar < pci::kBarCount; ++bar) remove(bar);
}

void RegisterEventfds::place(unsigned bar, GuestWrite::Space space, std::uint64_t address) {
  const std::lock_guard lock(mutex_);
  const Place place{space, address};
  if (places_[bar] == place) return;
  take_down(bar);
  places_[bar] = place;
}

void RegisterEventfds::remove(unsigned bar) {
  const std::lock_guard lock(mutex_);
  take_down(bar);
  places_[bar].reset();
}

void RegisterEventfds::wrote(const RegisterWrite& write) {
  if (io_eventfds_ == nullptr || !suits(write)) return;
  const std::lock_guard lock(mutex_);
  if (!repeated_.add(write)) return;
  // A trapped write may be under way while its BAR goes, or while another's makes the shortcut.
  const bool known = std::ranges::find(shortcuts_, write, &Shortcut::write) != shortcuts_.end();
  if (!places_[write.region] || known || shortcuts_.size() >= kMost || refused_.value() >= kMost) return;
  (make(write, *places_[write.region]) ? made_ : refused_).add();
}

RegisterEventfds::Pause RegisterEventfds::pause() {
  Pause pause(mutex_);
  for (unsigned bar = 0; bar < pci::kBarCount; ++bar) take_down(bar);
  return pause;
}

/// The far end first, so that no signal goes nowhere.
bool RegisterEventfds::make(const RegisterWrite& write, const Place& place) {
  const GuestWrite guest_write{place.space, place.address + write.offset, write.size, write.value};
  UniqueFd eventfd;
  try {
    eventfd = make_eventfd();
  } catch (const Error& error) {
    log::warning(guest_lines, "{}: a register stays trapped: {}", device_.name(), error.what());
    return false;
  }
  if (const int result = device_.connect_write(write, eventfd.get()); result != 0) {
    log::warning(guest_lines, "{}: the register at {:#x} of BAR {} stays trapped: {}", device_.name(), write.offset, write.region,
                 std::strerror(-result));
    return false;
  }
  if (!io_eventfds_->add(guest_write, eventfd.get())) {
    device_.disconnect_write(write);
    return false;
  }
  log::debug("{}: {} bytes of {:#x} to {:#x} of BAR {} are no exits any more", device_.name(), write.size, write.value, write.offset,
             write.region);
  shortcuts_.push_back({write, guest_write, std::move(eventfd)});
  return true;
}

void RegisterEventfds::take_down(unsigned bar) {
  std::erase_if(shortcuts_, [&](const Shortcut& shortcut) {
    if (shortcut.write.region != bar) return false;
    io_eventfds_->remove(shortcut.guest_write, shortcut.eventfd.get());
    device_.disconnect_write(shortcut.write);
    return true;
  });
}

}  // namespace strait::vfio
