#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "devices/pci/bar.h"

namespace strait::vfio {

/// Where one BAR of a function stands with the guest.
struct BarFacts {
  enum class Answers { kNowhere, kPartly, kEverywhere };

  unsigned number = 0;
  pci::BarShape shape;
  std::uint64_t address = 0;  ///< 0 where the guest gave it none
  Answers answers = Answers::kNowhere;  ///< kPartly: something else of the guest's address space is in the way
  bool direct = false;  ///< some of its pages are mapped into the guest: what the guest does there is seen by nobody

  friend bool operator==(const BarFacts&, const BarFacts&) = default;
};

/// MSI or MSI-X of a function.
struct MessageFacts {
  unsigned vectors = 0;  ///< 0 where the function does not have the kind
  bool enabled = false;
  bool function_masked = false;
  unsigned unmasked = 0;  ///< vectors whose own mask bit the guest cleared
  unsigned connected = 0;  ///< vectors that should reach the guest: the kind is enabled, and no mask is set
  unsigned working = 0;   ///< connected ones with all that they take: a host interrupt, and a route into the guest

  friend bool operator==(const MessageFacts&, const MessageFacts&) = default;
};

/// What AssignedFunction knows of how far a guest has come with a function, at one moment.
struct FunctionFacts {
  std::uint16_t vendor = 0, device = 0;
  std::uint32_t device_class = 0;  ///< class, subclass and programming interface: 24 bits
  std::uint64_t config_accesses = 0;
  std::optional<std::chrono::milliseconds> since_seen;  ///< since the guest first read the identifiers; nothing where it did not
  bool present = true;        ///< false where the device answers with all ones
  std::uint16_t command = 0;  ///< the register
  unsigned power_state = 0;   ///< 0 to 3: D0 to D3hot
  bool withdrawn = false;     ///< the host withdrew BAR mappings, and the guest's accesses are trapped for now
  std::uint64_t resets = 0;   ///< by the guest, function-level
  std::vector<BarFacts> bars;
  bool has_intx = false;
  bool intx_on = false;  ///< the host listens to the pin, and the guest's pin follows
  MessageFacts msi, msix;

  friend bool operator==(const FunctionFacts&, const FunctionFacts&) = default;
};

}  // namespace strait::vfio
