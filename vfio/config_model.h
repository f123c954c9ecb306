#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "devices/pci/msi.h"
#include "devices/pci/msix.h"

namespace strait::vfio {

/// Which bits of a function's configuration space the guest sees from us instead of from the device, and where the capabilities lie
/// that need more than that. Built once from a copy of the device's space; lists are never walked again.
///
/// Ours: the ROM BAR (RomBar lays itself over), the multi-function bit, the link registers and port type of an Express endpoint (on the
/// root bus it appears as a Root Complex Integrated Endpoint, PCIe 7.5.3), the registers of MSI and the control word of MSI-X
/// (FunctionInterrupts lays them over), and the extended capabilities that only a host may use (SR-IOV, ARI, Resizable BAR: unlinked).
/// Interrupt kinds that VFIO does not offer are not there: pin 0, capabilities unlinked. BARs are elsewhere.
struct ConfigModel {
  /// What VFIO can signal of the kinds of interrupts that a device has.
  struct Offered {
    bool intx = true, msi = true, msix = true;
  };

  std::vector<std::uint8_t> shown;     ///< our bits
  std::vector<std::uint8_t> ours;      ///< 1 where the bit of `shown` counts
  std::optional<std::uint8_t> intx_pin;  ///< 0 is INTA
  std::optional<std::uint16_t> msi;    ///< offset of the MSI capability
  pci::MsiLayout msi_layout;           ///< valid with `msi`
  std::optional<std::uint16_t> msix;   ///< offset of the MSI-X capability
  pci::MsixLayout msix_layout;         ///< valid with `msix`
  std::optional<std::uint16_t> power;  ///< power management
  std::optional<std::uint16_t> express;
  std::optional<std::uint16_t> advanced_features;

  /// Sets the bit at which the guest looks for other functions of this one's slot (header type, PCI 3.0 6.2.1); it is clear otherwise.
  void show_multifunction();

  /// What a guest write of `data` at `offset` asks for beyond storing it: the function may stop answering on its BARs.
  bool may_stop_decoding(std::uint16_t offset, std::span<const std::uint8_t> data) const;
  /// True where the write turns bus mastering on, or leaves it on: the function may do DMA from then on.
  static bool allows_bus_mastering(std::uint16_t offset, std::span<const std::uint8_t> data);
  /// True where the write resets the function (function-level reset).
  bool resets(std::uint16_t offset, std::span<const std::uint8_t> data) const;
  /// True where the write touches what decides whether BARs are decoded: Command or the power state.
  bool touches_decoding(std::uint16_t offset, std::size_t size) const;
};

/// `config` is 256 or 4096 bytes as read from the device. `problem` says what was wrong with its capability lists, empty for nothing. Pure.
ConfigModel make_config_model(std::span<const std::uint8_t> config, const ConfigModel::Offered& offered, std::string& problem);

}  // namespace strait::vfio
