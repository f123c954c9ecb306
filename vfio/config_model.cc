#include "vfio/config_model.h"

#include <linux/pci_regs.h>

#include <algorithm>

#include "base/little_endian.h"
#include "devices/pci/capabilities.h"

namespace strait::vfio {
namespace {

constexpr std::uint8_t kMultifunction = 0x80;  // of the header type

void own(ConfigModel& model, std::size_t offset, std::uint8_t mask, std::uint8_t value) {
  model.ours[offset] |= mask;
  model.shown[offset] = static_cast<std::uint8_t>((model.shown[offset] & ~mask) | (value & mask));
}

void own_zeroes(ConfigModel& model, std::size_t offset, std::size_t size) {
  for (std::size_t i = offset; i < std::min(offset + size, model.ours.size()); ++i) own(model, i, 0xff, 0);
}

bool host_only(std::uint16_t id) {
  constexpr std::uint16_t kVfResizableBar = 0x24;
  return id == PCI_EXT_CAP_ID_SRIOV || id == PCI_EXT_CAP_ID_ARI || id == PCI_EXT_CAP_ID_REBAR || id == kVfResizableBar;
}

pci::MsixLayout read_msix_layout(std::span<const std::uint8_t> config, std::uint16_t at) {
  const auto table = load<std::uint32_t>(config, at + PCI_MSIX_TABLE);
  const auto pba = load<std::uint32_t>(config, at + PCI_MSIX_PBA);
  pci::MsixLayout layout;
  layout.vectors = static_cast<std::uint16_t>((load<std::uint16_t>(config, at + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE) + 1);
  layout.table_bar = static_cast<std::uint8_t>(table & PCI_MSIX_TABLE_BIR);
  layout.table_offset = table & PCI_MSIX_TABLE_OFFSET;
  layout.pba_bar = static_cast<std::uint8_t>(pba & PCI_MSIX_PBA_BIR);
  layout.pba_offset = pba & PCI_MSIX_PBA_OFFSET;
  return layout;
}

/// Port type and link registers: an endpoint without a link above it (PCIe 7.5.3.2, 7.5.3.6 to 7.5.3.8 and the second set).
void integrate_endpoint(ConfigModel& model, std::span<const std::uint8_t> config, std::uint16_t at) {
  const unsigned type = (load<std::uint16_t>(config, at + PCI_EXP_FLAGS) & PCI_EXP_FLAGS_TYPE) >> 4;
  if (type != PCI_EXP_TYPE_ENDPOINT && type != PCI_EXP_TYPE_LEG_END) return;
  own(model, at + PCI_EXP_FLAGS, PCI_EXP_FLAGS_TYPE, PCI_EXP_TYPE_RC_END << 4);
  own_zeroes(model, at + PCI_EXP_LNKCAP, 8);
  const unsigned version = load<std::uint16_t>(config, at + PCI_EXP_FLAGS) & PCI_EXP_FLAGS_VERS;
  if (version >= 2 && at + PCI_EXP_LNKSTA2 + 2u <= 256) own_zeroes(model, at + PCI_EXP_LNKCAP2, 8);
}

bool overlaps(std::uint16_t offset, std::size_t size, std::size_t start, std::size_t length) {
  return offset < start + length && start < offset + size;
}

/// The byte that a write puts at `at`, nothing where it does not reach there.
std::optional<std::uint8_t> byte_at(std::uint16_t offset, std::span<const std::uint8_t> data, std::size_t at) {
  return at >= offset && at < offset + data.size() ? std::optional(data[at - offset]) : std::nullopt;
}

}  // namespace

ConfigModel make_config_model(std::span<const std::uint8_t> config, const ConfigModel::Offered& offered, std::string& problem) {
  ConfigModel model;
  model.shown.assign(4096, 0);
  model.ours.assign(4096, 0);
  std::fill(model.ours.begin() + static_cast<std::ptrdiff_t>(config.size()), model.ours.end(), std::uint8_t{0xff});
  own(model, PCI_HEADER_TYPE, kMultifunction, 0);
  own_zeroes(model, PCI_ROM_ADDRESS, 4);
  if (const std::uint8_t pin = config[PCI_INTERRUPT_PIN]; offered.intx && pin >= 1 && pin <= 4) {
    model.intx_pin = static_cast<std::uint8_t>(pin - 1);
  } else {
    own_zeroes(model, PCI_INTERRUPT_PIN, 1);
  }

  std::uint16_t pointer = PCI_CAPABILITY_LIST;  // where the byte lies that points to the next capability
  for (const pci::Capability& capability : pci::walk_capabilities(config, &problem)) {
    const std::uint16_t at = capability.offset;
    const auto fits = [at](unsigned size) { return at + size <= 256u; };
    const auto unlink = [&] { own(model, pointer, 0xff, config[at + 1]); };
    switch (capability.id) {
      case PCI_CAP_ID_MSI:
        if (fits(PCI_MSI_FLAGS + 2)) model.msi_layout = pci::decode_msi_control(load<std::uint16_t>(config, at + PCI_MSI_FLAGS));
        if (!offered.msi || !fits(model.msi_layout.size())) {
          unlink();
          continue;  // the predecessor stays the one to change for what follows
        }
        model.msi = at;
        own_zeroes(model, at + PCI_MSI_FLAGS, model.msi_layout.size() - PCI_MSI_FLAGS);
        break;
      case PCI_CAP_ID_MSIX:
        if (!offered.msix || !fits(PCI_CAP_MSIX_SIZEOF)) {
          unlink();
          continue;
        }
        model.msix = at;
        model.msix_layout = read_msix_layout(config, at);
        own_zeroes(model, at + PCI_MSIX_FLAGS, 2);
        break;
      case PCI_CAP_ID_PM:
        if (fits(PCI_PM_SIZEOF)) model.power = at;
        break;
      case PCI_CAP_ID_EXP:
        if (!fits(PCI_EXP_LNKSTA + 2)) break;
        model.express = at;
        integrate_endpoint(model, config, at);
        break;
      case PCI_CAP_ID_AF:
        if (fits(PCI_CAP_AF_SIZEOF)) model.advanced_features = at;
        break;
      default: break;
    }
    pointer = static_cast<std::uint16_t>(at + 1);
  }

  if (config.size() == 4096) {
    std::vector<std::uint8_t> edited(config.begin(), config.end());
    pci::hide_extended_capabilities(edited, host_only);
    for (std::size_t i = 256; i < edited.size(); ++i) {
      if (edited[i] != config[i]) own(model, i, 0xff, edited[i]);
    }
  }
  return model;
}

void ConfigModel::show_multifunction() { own(*this, PCI_HEADER_TYPE, kMultifunction, kMultifunction); }

bool ConfigModel::allows_bus_mastering(std::uint16_t offset, std::span<const std::uint8_t> data) {
  const auto command = byte_at(offset, data, PCI_COMMAND);
  return command && (*command & PCI_COMMAND_MASTER) != 0;
}

bool ConfigModel::touches_decoding(std::uint16_t offset, std::size_t size) const {
  return overlaps(offset, size, PCI_COMMAND, 1) || (power && overlaps(offset, size, *power + PCI_PM_CTRL, 1)) ||
         (express && overlaps(offset, size, *express + PCI_EXP_DEVCTL + 1, 1)) ||
         (advanced_features && overlaps(offset, size, *advanced_features + PCI_AF_CTRL, 1));
}

bool ConfigModel::may_stop_decoding(std::uint16_t offset, std::span<const std::uint8_t> data) const {
  if (const auto command = byte_at(offset, data, PCI_COMMAND); command && (*command & PCI_COMMAND_MEMORY) == 0) return true;
  if (power) {
    const auto state = byte_at(offset, data, *power + PCI_PM_CTRL);
    if (state && (*state & PCI_PM_CTRL_STATE_MASK) != 0) return true;
  }
  return resets(offset, data);
}

bool ConfigModel::resets(std::uint16_t offset, std::span<const std::uint8_t> data) const {
  if (express) {
    const auto control = byte_at(offset, data, *express + PCI_EXP_DEVCTL + 1);
    if (control && (*control & (PCI_EXP_DEVCTL_BCR_FLR >> 8)) != 0) return true;
  }
  if (advanced_features) {
    const auto control = byte_at(offset, data, *advanced_features + PCI_AF_CTRL);
    if (control && (*control & PCI_AF_CTRL_FLR) != 0) return true;
  }
  return false;
}

}  // namespace strait::vfio
