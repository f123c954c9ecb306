#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace strait::vfio {

class Container;
class KernelDevice;

/// A function that the reset of a bus or of a slot reaches.
struct ReachedFunction {
  std::string name;    ///< the full PCI address
  unsigned group = 0;  ///< its IOMMU group

  friend bool operator==(const ReachedFunction&, const ReachedFunction&) = default;
};

/// The functions in an answer to VFIO_DEVICE_GET_PCI_HOT_RESET_INFO (struct vfio_pci_hot_reset_info), as far as it goes. Pure.
std::vector<ReachedFunction> read_reached_functions(std::span<const std::uint8_t> info);

/// Why `reached` must not be reset together: nothing is reached, a group is not `ours`, a function is `in_use`. Empty where they may be. Pure.
std::string bus_reset_obstacle(std::span<const ReachedFunction> reached, const std::function<bool(unsigned group)>& ours,
                               const std::set<std::string>& in_use);

/// Puts functions that have just been opened into their initial state. The kernel has reset those on opening that can be reset alone; of the
/// others, such as a graphics card with its audio function, the bus is reset here, if that reaches nothing that is somebody else's: all that it
/// reaches is in the container's groups and nothing of it is among `in_use`, by name. One line says of which functions it is not.
void reset_by_bus(std::span<KernelDevice> opened, const Container& container, const std::set<std::string>& in_use);

}  // namespace strait::vfio
