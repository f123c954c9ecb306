#include "tests/models/function_plan.h"

#include <algorithm>
#include <array>

#include "base/units.h"

namespace strait::test {
namespace {

using vfio::Area;
using Offset = decltype(Area::start);

Area area(std::uint64_t start, std::uint64_t size) { return {Offset(start), size}; }

bool coin(fuzz::Input& input) { return input.next<std::uint8_t>() % 2 != 0; }
bool seldom(fuzz::Input& input) { return input.next<std::uint8_t>() % 8 == 7; }

}  // namespace

FunctionPlan::FunctionPlan(fuzz::Input& input) {
  draw_bars(input);
  draw_capabilities(input);
  intx = coin(input);
  dynamic = coin(input);
  mapping_fails = seldom(input);
  options.direct = !seldom(input);
  if (seldom(input)) host_has = 1 + input.next<std::uint8_t>() % 4;
  if (coin(input)) options.rom_contents.assign(1 + input.next<std::uint16_t>() % 10000, 0x5a);
}

void FunctionPlan::draw_bars(fuzz::Input& input) {
  constexpr std::array<std::uint64_t, 8> kSizes = {0x10, 0x100, 0x800, 0x1000, 0x2000, 0x4000, 0x10000, 0x4000};
  for (unsigned number = 0; number < pci::kBarCount; ++number) {
    Bar bar{.number = number, .size = kSizes[input.next<std::uint8_t>() % kSizes.size()], .flags = 0, .mappable = {}};
    switch (input.next<std::uint8_t>() % 6) {
      case 0: continue;
      case 1:
        bar.size = std::min<std::uint64_t>(bar.size, 0x100);
        bar.flags = FakeDevice::kIo;
        break;
      case 2:
      case 3:
        if (number + 1 == pci::kBarCount) continue;
        bar.flags = FakeDevice::kPrefetchable64;
        break;
      default: bar.flags = FakeDevice::kMemory32;
    }
    const auto pages = static_cast<unsigned>(bar.size / kPageSize);
    switch (bar.io() ? 0 : input.next<std::uint8_t>() % 4) {
      case 0: break;
      case 1:  // two areas, not made of whole pages
        if (pages >= 4) bar.mappable = {area(0, kPageSize + 0x800), area(2 * kPageSize - 0x200, kPageSize + 0x400)};
        break;
      default: bar.mappable = {area(0, bar.size)};
    }
    bars.push_back(bar);
    if (bar.wide()) ++number;
  }
}

void FunctionPlan::draw_capabilities(fuzz::Input& input) {
  conventional = coin(input);
  const auto present = input.next<std::uint8_t>(), refused = input.next<std::uint8_t>();
  const auto add = [&](unsigned bit, std::uint8_t id, std::uint16_t offset) {
    if ((present >> bit & 1) == 0) return false;
    capabilities.push_back({id, offset, bit < 2 && (refused >> bit & 7) == 7});
    return true;
  };
  add(2, PCI_CAP_ID_PM, kPower);
  if (add(0, PCI_CAP_ID_MSI, kMsi)) msi = pci::decode_msi_control(input.next<std::uint16_t>());
  draw_msix(input);
  if (msix && !add(1, PCI_CAP_ID_MSIX, kMsix)) msix.reset();
  add(3, PCI_CAP_ID_EXP, kExpress);
  add(4, PCI_CAP_ID_VNDR, kVendor);
  add(5, PCI_CAP_ID_AF, kAdvancedFeatures);
  if (!conventional) {
    constexpr std::array<Extended, 4> kKinds = {{{PCI_EXT_CAP_ID_ERR, 0, false}, {PCI_EXT_CAP_ID_SRIOV, 0, true},
                                                {PCI_EXT_CAP_ID_ARI, 0, true}, {PCI_EXT_CAP_ID_DSN, 0, false}}};
    const unsigned count = input.next<std::uint8_t>() % 5;
    for (unsigned i = 0; i < count; ++i) {
      Extended capability = kKinds[input.next<std::uint8_t>() % kKinds.size()];
      capability.offset = static_cast<std::uint16_t>(0x100 + i * 0x60);
      extended.push_back(capability);
    }
  }
}

/// The table somewhere in a memory BAR, the PBA in the same or another, on quadwords and apart.
void FunctionPlan::draw_msix(fuzz::Input& input) {
  std::vector<const Bar*> homes;
  for (const Bar& bar : bars) {
    if (!bar.io() && bar.size >= 0x100) homes.push_back(&bar);
  }
  if (homes.empty()) return;
  const Bar& table = *homes[input.next<std::uint8_t>() % homes.size()];
  const Bar& pba = *homes[input.next<std::uint8_t>() % homes.size()];
  pci::MsixLayout layout;
  layout.table_bar = static_cast<std::uint8_t>(table.number);
  layout.pba_bar = static_cast<std::uint8_t>(pba.number);
  // A few, mostly; or all that half of the BAR has room for.
  const auto choice = input.next<std::uint8_t>();
  const auto most = static_cast<unsigned>(std::min<std::uint64_t>(2048, table.size / 32));
  layout.vectors = static_cast<std::uint16_t>(choice < 0xe0 ? 1 + choice % std::min(70u, most) : most);
  const auto offset_in = [&](std::uint64_t room) { return static_cast<std::uint32_t>(input.next<std::uint16_t>() % (room / 8 + 1) * 8); };
  const std::uint64_t half = table.size / 2;
  layout.table_offset = offset_in(half - layout.table_size());
  layout.pba_offset = static_cast<std::uint32_t>(pba.size / 2) + offset_in(pba.size / 2 - layout.pba_size());
  if (&table != &pba) layout.pba_offset = offset_in(pba.size - layout.pba_size());
  msix = layout;
}

bool FunctionPlan::shows(std::uint8_t id) const {
  return std::ranges::any_of(capabilities, [id](const Capability& capability) { return capability.id == id && !capability.hidden; });
}

ConfigBuilder FunctionPlan::config() const {
  ConfigBuilder config(conventional ? 256 : 4096);
  config.set8(PCI_HEADER_TYPE, 0x80);
  config.set8(PCI_INTERRUPT_PIN, 1);
  for (const Capability& capability : capabilities) {
    const auto at = static_cast<std::uint8_t>(capability.offset);
    switch (capability.id) {
      case PCI_CAP_ID_PM: config.power(at); break;
      case PCI_CAP_ID_MSI: {
        unsigned log2 = 0;
        while (1u << log2 < msi->vectors) ++log2;
        config.capability(PCI_CAP_ID_MSI, at);
        config.set16(at + PCI_MSI_FLAGS, log2 << 1 | (msi->wide ? PCI_MSI_FLAGS_64BIT : 0) | (msi->maskable ? PCI_MSI_FLAGS_MASKBIT : 0));
        break;
      }
      case PCI_CAP_ID_MSIX:
        config.msix(at, msix->vectors, msix->table_offset | msix->table_bar, msix->pba_offset | msix->pba_bar);
        break;
      case PCI_CAP_ID_EXP: config.express(at); break;
      case PCI_CAP_ID_AF: config.advanced_features(at); break;
      default: config.capability(capability.id, at).set8(at + 2u, kVendorEnd - kVendor).set8(at + 7u, 0x77);
    }
  }
  for (const Extended& capability : extended) {
    config.extended(capability.id, capability.offset).set32(capability.offset + 4u, 0x12345678);
  }
  return config;
}

}  // namespace strait::test
