#pragma once

#include <cstdint>

#include "devices/interrupt_router.h"

namespace strait::pci {

/// What a guest's write to MSI or MSI-X registers asks the owner to do, to be carried out in the order given.
struct MessageEffect {
  enum class Kind {
    kEnable,      ///< the enable bit went 0 to 1: enable the device's interrupts, `vectors` of them, all still unsignalled
    kDisable,     ///< the enable bit went 1 to 0: every vector was disconnected before this
    kConnect,     ///< the vector may fire from now on with `message`; what is pending fires at once
    kReroute,     ///< a vector that stays connected has a new `message`
    kDisconnect,  ///< the vector is masked from now on; what arrives stays pending
  };
  Kind kind;
  std::uint16_t vector = 0;
  MsiMessage message = {};
  std::uint16_t vectors = 0;

  friend bool operator==(const MessageEffect&, const MessageEffect&) = default;
};

}  // namespace strait::pci
