#include "cli/libvirt/places.h"

#include <algorithm>
#include <bitset>

namespace strait::libvirt {
namespace {

constexpr unsigned kSlots = 32;

bool same_slot(const host::Bdf& a, const host::Bdf& b) { return a.bus == b.bus && a.device == b.device; }

/// How many of them are in this slot; 0 where no function 0 is among them, without which a guest looks for no other.
std::size_t functions_in(std::span<const Place> places, const host::Bdf& slot) {
  const auto is_there = [&](const Place& place) { return place.asked && same_slot(*place.asked, slot); };
  const bool has_first = std::ranges::any_of(places, [&](const Place& place) { return is_there(place) && place.asked->function == 0; });
  return has_first ? static_cast<std::size_t>(std::ranges::count_if(places, is_there)) : 0;
}

}  // namespace

bool choose_places(std::span<Place> places) {
  std::bitset<kSlots> taken;
  taken.set(0);  // the host bridge
  for (Place& place : places) {
    if (!place.asked || place.asked->bus != 0 || place.asked->device == 0 || functions_in(places, *place.asked) == 0) continue;
    place.given = GuestSlot{place.asked->device, place.asked->function};
    taken.set(place.asked->device);
  }
  for (Place& place : places) {
    if (place.given || !place.asked || place.asked->bus == 0 || functions_in(places, *place.asked) < 2) continue;
    unsigned slot = 0;
    while (slot < kSlots && taken[slot]) ++slot;
    if (slot == kSlots) return false;
    taken.set(slot);
    for (Place& other : places) {
      if (other.asked && same_slot(*other.asked, *place.asked)) other.given = GuestSlot{slot, other.asked->function};
    }
  }
  const auto left = std::ranges::count_if(places, [](const Place& place) { return !place.given; });
  return taken.count() + static_cast<std::size_t>(left) <= kSlots;
}

}  // namespace strait::libvirt
