#include "vmm/device_places.h"

#include <algorithm>
#include <array>
#include <bitset>

#include <fmt/format.h>

#include "base/error.h"
#include "devices/pci/root_bus.h"

namespace strait {
namespace {

/// Which functions there are in each slot of the guest's bus.
class Places {
 public:
  Places() { slots_[0].set(0); }  // the host bridge

  void take(const GuestAddress& address) {
    if (slots_[address.slot][address.function]) {
      throw UsageError(fmt::format("two devices have addr={:x}.{}", address.slot, address.function),
                       "give each a slot of its own, or a function of its own, as in addr=5.1");
    }
    slots_[address.slot].set(address.function);
  }
  unsigned empty_slot() const {
    const auto found = std::ranges::find_if(slots_, [](const auto& functions) { return functions.none(); });
    if (found == slots_.end()) {
      throw UsageError("there are more devices than the guest's bus has slots",
                       fmt::format("give at most {}, or several of them one slot, as with addr=5 and addr=5.1", slots_.size() - 1));
    }
    return static_cast<unsigned>(found - slots_.begin());
  }
  const auto& functions(unsigned slot) const { return slots_[slot]; }

 private:
  std::array<std::bitset<pci::RootBus::kFunctions>, pci::RootBus::kDevices> slots_;
};

}  // namespace

void place_devices(std::span<DeviceSpec> devices) {
  Places places;
  for (const DeviceSpec& device : devices) {
    if (device.address.slot != 0) places.take(device.address);
  }
  unsigned slot = 0;
  for (DeviceSpec& device : devices) {
    if (device.address.slot != 0) continue;
    if (device.address.function == 0) slot = places.empty_slot();
    device.address.slot = slot;
    places.take(device.address);
  }
  for (DeviceSpec& device : devices) {
    const auto& functions = places.functions(device.address.slot);
    if (!functions[0]) {
      throw UsageError(fmt::format("{} has addr={:x}.{}, but slot {:x} has no function 0, without which a guest looks for no other",
                                   device.name(), device.address.slot, device.address.function, device.address.slot),
                       fmt::format("give another device addr={:x}", device.address.slot));
    }
    device.multifunction = device.address.function == 0 && functions.count() > 1;
  }
}

}  // namespace strait
