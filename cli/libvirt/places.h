#pragma once

#include <optional>
#include <span>

#include "host/bdf.h"

namespace strait::libvirt {

/// A slot of strait's one bus, 1 to 31, and a function of it.
struct GuestSlot {
  unsigned slot = 0;
  unsigned function = 0;
  friend bool operator==(const GuestSlot&, const GuestSlot&) = default;
};

/// Where a function is on the guest's buses, as the domain says it, and where it is to be on the one bus that strait's guest has.
struct Place {
  std::optional<host::Bdf> asked;   ///< none where the domain leaves it open
  std::optional<GuestSlot> given;  ///< none where strait may choose
};

/// Keeps slots and functions of bus 0. Functions that share a slot of another bus share one here, as long as one of them is function 0.
/// The rest, and functions of a slot whose function 0 is no assigned one, go where strait puts them. False where there are more than the
/// bus has room for. Pure.
bool choose_places(std::span<Place> places);

}  // namespace strait::libvirt
