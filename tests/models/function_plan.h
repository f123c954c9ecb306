#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/units.h"
#include "devices/pci/msi.h"
#include "devices/pci/msix.h"
#include "tests/fakes/config_builder.h"
#include "tests/fakes/fake_device.h"
#include "tests/fuzz/devices/input.h"
#include "vfio/assigned_function.h"

namespace strait::test {

/// What a device is like, drawn from an input: whoever made the device knows where everything is, and need not look for it.
struct FunctionPlan {
  /// Where a capability lies if the device has it, in list order.
  static constexpr std::uint16_t kPower = 0x40, kMsi = 0x48, kMsix = 0x60, kExpress = 0x70, kVendor = 0xb0, kAdvancedFeatures = 0xc0;
  /// The vendor's capability, and some of the extended space: bytes that a driver may write.
  static constexpr std::uint16_t kVendorData = kVendor + 4, kVendorEnd = kVendor + 16, kExtendedData = 0x300, kExtendedEnd = 0x310;

  struct Bar {
    unsigned number;
    std::uint64_t size;
    std::uint32_t flags;  ///< of the register: FakeDevice's kIo, kMemory32...
    std::vector<vfio::Area> mappable;

    bool io() const { return (flags & FakeDevice::kIo) != 0; }
    /// What the guest sees of it: in memory a page at least.
    std::uint64_t shown() const { return io() ? size : std::max(size, kPageSize); }
    bool wide() const { return (flags & 6) == FakeDevice::kMemory64; }
  };
  struct Capability {
    std::uint8_t id;
    std::uint16_t offset;
    bool hidden;  ///< VFIO does not offer its interrupts
  };
  struct Extended {
    std::uint16_t id;
    std::uint16_t offset;
    bool hidden;  ///< the host's alone
  };

  explicit FunctionPlan(fuzz::Input& input);

  /// The device's configuration space as hardware has it.
  ConfigBuilder config() const;
  /// Whether the device has the capability and the guest sees it.
  bool shows(std::uint8_t id) const;

  std::vector<Bar> bars;  ///< ascending
  std::vector<Capability> capabilities;
  std::vector<Extended> extended;  ///< none where the space ends at 256
  bool conventional = false;
  bool intx = false;  ///< VFIO offers the pin, INTA
  bool mapping_fails = false;
  bool dynamic = false;         ///< MSI-X vectors one by one
  std::uint32_t host_has = ~0u;  ///< interrupts that the host can give
  /// Of those that the device has, hidden or not.
  std::optional<pci::MsiLayout> msi;
  std::optional<pci::MsixLayout> msix;
  vfio::FunctionOptions options;

 private:
  void draw_bars(fuzz::Input& input);
  void draw_capabilities(fuzz::Input& input);
  void draw_msix(fuzz::Input& input);
};

}  // namespace strait::test
