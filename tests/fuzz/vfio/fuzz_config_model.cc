// Any configuration space, and any guest write to it: what the guest sees hides what it has to, and no write that can stop the
// BARs from being decoded is taken for one that cannot.

#include "vfio/config_model.h"

#include <linux/pci_regs.h>

#include <string>
#include <vector>

#include "devices/pci/capabilities.h"
#include "tests/fuzz/devices/input.h"

namespace {

using strait::fuzz::Input;
using strait::fuzz::require;
using strait::pci::Capability;
using strait::vfio::ConfigModel;

constexpr std::size_t kConventional = 256, kExtended = 4096;

/// A space that is zero but for what the input puts in it: pieces anywhere, and capabilities at which a pointer leads.
std::vector<std::uint8_t> read_config(Input& input) {
  std::vector<std::uint8_t> config(input.next<std::uint8_t>() % 2 == 0 ? kConventional : kExtended);
  config[PCI_STATUS] = 0x10;
  const unsigned pieces = input.next<std::uint8_t>() % 32;
  for (unsigned i = 0; i < pieces; ++i) {
    const std::size_t at = input.next<std::uint16_t>() % config.size();
    const auto bytes = input.bytes(input.next<std::uint8_t>() % 20);
    std::copy_n(bytes.begin(), std::min(bytes.size(), config.size() - at), config.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return config;
}

std::vector<std::uint8_t> guest_view(const ConfigModel& model, const std::vector<std::uint8_t>& config) {
  std::vector<std::uint8_t> view = config;
  for (std::size_t i = 0; i < view.size(); ++i) {
    view[i] = static_cast<std::uint8_t>((view[i] & ~model.ours[i]) | (model.shown[i] & model.ours[i]));
  }
  return view;
}

bool host_only(const Capability& capability) {
  return capability.id == PCI_EXT_CAP_ID_SRIOV || capability.id == PCI_EXT_CAP_ID_ARI || capability.id == PCI_EXT_CAP_ID_REBAR;
}

/// Whether the guest may not see the capability because its interrupts are not to be had.
bool not_offered(const Capability& capability, const ConfigModel::Offered& offered) {
  return (capability.id == PCI_CAP_ID_MSI && !offered.msi) || (capability.id == PCI_CAP_ID_MSIX && !offered.msix);
}

void check_view(const ConfigModel& model, const ConfigModel::Offered& offered, const std::vector<std::uint8_t>& config) {
  const std::vector<std::uint8_t> view = guest_view(model, config);
  require((view[PCI_HEADER_TYPE] & 0x80) == 0, "one function");
  require(view[PCI_INTERRUPT_PIN] == (model.intx_pin ? *model.intx_pin + 1 : 0), "the pin is the one that is served, or none");
  require(offered.intx || !model.intx_pin, "no pin where it is not to be had");
  // Where the device's own lists are sound, so are the guest's, and what is to be hidden is.
  std::string problem;
  const auto before = strait::pci::walk_capabilities(config, &problem);
  const auto before_extended = strait::pci::walk_extended_capabilities(config, &problem);
  if (!problem.empty()) return;
  const auto after = strait::pci::walk_capabilities(view, &problem);
  const auto after_extended = strait::pci::walk_extended_capabilities(view, &problem);
  require(problem.empty(), "a sound list stays sound");
  for (const Capability& capability : after) require(!not_offered(capability, offered), "what is not offered is hidden");
  for (const Capability& capability : after_extended) require(!host_only(capability), "what is the host's alone is hidden");
  // One that is cut off at the end is hidden, too.
  const auto may_be_hidden = [&](const Capability& c) {
    return not_offered(c, offered) || ((c.id == PCI_CAP_ID_MSI || c.id == PCI_CAP_ID_MSIX) && c.offset + 24u > kConventional);
  };
  const auto hidden = std::count_if(before.begin(), before.end(), may_be_hidden);
  require(after.size() + static_cast<std::size_t>(hidden) >= before.size(), "nothing else is hidden");
  require(after_extended.size() <= before_extended.size(), "nothing appears");
}

void check_places(const ConfigModel& model) {
  for (const auto& [place, size] :
       {std::pair(model.msi, static_cast<int>(model.msi_layout.size())), std::pair(model.msix, PCI_CAP_MSIX_SIZEOF),
        std::pair(model.power, PCI_PM_SIZEOF),
        std::pair(model.express, PCI_EXP_LNKSTA + 2), std::pair(model.advanced_features, PCI_CAP_AF_SIZEOF)}) {
    require(!place || (*place >= PCI_STD_HEADER_SIZEOF && *place + static_cast<std::size_t>(size) <= kConventional),
            "a capability that is used lies behind the header and within 256 bytes");
  }
  if (model.msix) require(model.msix_layout.vectors >= 1 && model.msix_layout.vectors <= 2048, "1 to 2048 vectors");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t length) {
  Input input(data, length);
  const std::vector<std::uint8_t> config = read_config(input);
  // From the end, so that what the corpus says of the space keeps its place.
  const unsigned bits = length == 0 ? 7 : data[length - 1];
  const ConfigModel::Offered offered{.intx = (bits & 1) != 0, .msi = (bits & 2) != 0, .msix = (bits & 4) != 0};
  std::string problem;
  const ConfigModel model = strait::vfio::make_config_model(config, offered, problem);
  require(model.shown.size() == kExtended && model.ours.size() == kExtended, "the model covers all of the space");
  check_view(model, offered, config);
  check_places(model);

  for (unsigned i = 0; i < 16 && !input.empty(); ++i) {
    const std::size_t size = std::size_t{1} << input.next<std::uint8_t>() % 3;
    const auto offset = static_cast<std::uint16_t>(input.next<std::uint16_t>() % kExtended / size * size);
    std::vector<std::uint8_t> bytes(size);
    const auto given = input.bytes(size);
    std::copy(given.begin(), given.end(), bytes.begin());
    const bool stops = model.may_stop_decoding(offset, bytes), touches = model.touches_decoding(offset, size);
    require(!stops || touches, "mappings that are taken away are looked at again after the write");
    require(!ConfigModel::allows_bus_mastering(offset, bytes) || offset <= PCI_COMMAND, "bus mastering is in Command alone");
  }
  return 0;
}
