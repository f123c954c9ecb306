#include "devices/pci/host_bridge.h"

#include <linux/pci_regs.h>

namespace strait::pci {
namespace {

// Red Hat's identity for a generic PCI Express host bridge, made for virtual machines: lspci knows its name, and no guest has a
// driver or a quirk keyed to it. An Intel chipset's identity would bring that chipset's quirks, EDAC and PMU drivers along.
constexpr std::uint16_t kVendor = 0x1b36;
constexpr std::uint16_t kDevice = 0x0008;
constexpr std::uint16_t kSubsystemVendor = 0x1af4;
constexpr std::uint16_t kSubsystem = 0x1100;

constexpr std::uint16_t kClassHostBridge = 0x0600;

}  // namespace

HostBridge::HostBridge() {
  config_.set<std::uint16_t>(PCI_VENDOR_ID, kVendor);
  config_.set<std::uint16_t>(PCI_DEVICE_ID, kDevice);
  config_.set<std::uint16_t>(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
  config_.set<std::uint16_t>(PCI_CLASS_DEVICE, kClassHostBridge);
  config_.set<std::uint16_t>(PCI_SUBSYSTEM_VENDOR_ID, kSubsystemVendor);
  config_.set<std::uint16_t>(PCI_SUBSYSTEM_ID, kSubsystem);
}

void HostBridge::read_config(std::uint16_t offset, std::span<std::uint8_t> data) { config_.read(offset, data); }

void HostBridge::write_config(std::uint16_t offset, std::span<const std::uint8_t> data) { config_.write(offset, data); }

}  // namespace strait::pci
