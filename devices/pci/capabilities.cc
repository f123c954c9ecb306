#include "devices/pci/capabilities.h"

#include <linux/pci_regs.h>

#include <algorithm>
#include <bitset>

#include <fmt/format.h>

#include "base/little_endian.h"

namespace strait::pci {
namespace {

constexpr std::size_t kStandardEnd = 256;
constexpr std::size_t kExtendedStart = 256;
constexpr std::size_t kExtendedEnd = 4096;
constexpr std::uint32_t kNothingAnswered = 0xffffffff;
constexpr unsigned kExtendedNextShift = 20;

/// Places visited; capabilities start on dwords.
using Visited = std::bitset<kExtendedEnd / 4>;

void report(std::string* problem, std::string text) {
  if (problem == nullptr) return;
  if (!problem->empty()) *problem += "; ";
  *problem += std::move(text);
}

/// A field of a capability, zero where it would lie past the end of the space.
template <typename T>
T field(std::span<const std::uint8_t> config, std::size_t offset) {
  return offset + sizeof(T) <= config.size() ? load<T>(config, offset) : T{0};
}

unsigned msi_size(std::uint16_t flags) {
  const unsigned message = (flags & PCI_MSI_FLAGS_64BIT) != 0 ? 14 : 10;
  if ((flags & PCI_MSI_FLAGS_MASKBIT) == 0) return message;
  return (flags & PCI_MSI_FLAGS_64BIT) != 0 ? 24 : 20;
}

unsigned express_size(std::uint16_t flags) {
  constexpr unsigned kVersion2 = 0x3c;
  if ((flags & PCI_EXP_FLAGS_VERS) >= 2) return kVersion2;
  const bool integrated = (flags & PCI_EXP_FLAGS_TYPE) >> 4 == PCI_EXP_TYPE_RC_END;
  return integrated ? PCI_CAP_EXP_RC_ENDPOINT_SIZEOF_V1 : PCI_CAP_EXP_ENDPOINT_SIZEOF_V1;
}

unsigned standard_size(std::span<const std::uint8_t> config, std::uint8_t id, std::size_t offset) {
  switch (id) {
    case PCI_CAP_ID_PM: return PCI_PM_SIZEOF;
    case PCI_CAP_ID_AGP: return PCI_AGP_SIZEOF;
    case PCI_CAP_ID_VPD: return PCI_CAP_VPD_SIZEOF;
    case PCI_CAP_ID_SLOTID: return 4;
    case PCI_CAP_ID_MSI: return msi_size(field<std::uint16_t>(config, offset + PCI_MSI_FLAGS));
    case PCI_CAP_ID_CHSWP: return 4;
    case PCI_CAP_ID_PCIX: return PCI_CAP_PCIX_SIZEOF_V0;
    case PCI_CAP_ID_HT: return 4;
    case PCI_CAP_ID_VNDR: return field<std::uint8_t>(config, offset + PCI_CAP_FLAGS);
    case PCI_CAP_ID_DBG: return 4;
    case PCI_CAP_ID_SSVID: return 8;
    case PCI_CAP_ID_EXP: return express_size(field<std::uint16_t>(config, offset + PCI_EXP_FLAGS));
    case PCI_CAP_ID_MSIX: return PCI_CAP_MSIX_SIZEOF;
    case PCI_CAP_ID_SATA: return PCI_SATA_SIZEOF_SHORT;
    case PCI_CAP_ID_AF: return PCI_CAP_AF_SIZEOF;
    case PCI_CAP_ID_EA: return 4;
    default: return 2;
  }
}

unsigned tph_size(std::uint32_t capability) {
  if ((capability & PCI_TPH_CAP_LOC_MASK) != PCI_TPH_LOC_CAP) return PCI_TPH_BASE_SIZEOF;
  return PCI_TPH_BASE_SIZEOF + 2 * (((capability & PCI_TPH_CAP_ST_MASK) >> PCI_TPH_CAP_ST_SHIFT) + 1);
}

unsigned extended_size(std::span<const std::uint8_t> config, std::uint16_t id, std::size_t offset) {
  constexpr std::uint16_t kVfResizableBar = 0x24;
  switch (id) {
    case PCI_EXT_CAP_ID_ERR: return 0x48;
    case PCI_EXT_CAP_ID_VC:
    case PCI_EXT_CAP_ID_MFVC:
    case PCI_EXT_CAP_ID_VC9:
      return PCI_CAP_VC_BASE_SIZEOF +
             PCI_CAP_VC_PER_VC_SIZEOF * ((field<std::uint32_t>(config, offset + PCI_VC_PORT_CAP1) & PCI_VC_CAP1_EVCC) + 1);
    case PCI_EXT_CAP_ID_DSN: return PCI_EXT_CAP_DSN_SIZEOF;
    case PCI_EXT_CAP_ID_PWR: return PCI_EXT_CAP_PWR_SIZEOF;
    case PCI_EXT_CAP_ID_VNDR: return PCI_VNDR_HEADER_LEN(field<std::uint32_t>(config, offset + PCI_VNDR_HEADER));
    case PCI_EXT_CAP_ID_ACS: return 8;
    case PCI_EXT_CAP_ID_ARI: return PCI_EXT_CAP_ARI_SIZEOF;
    case PCI_EXT_CAP_ID_ATS: return PCI_EXT_CAP_ATS_SIZEOF;
    case PCI_EXT_CAP_ID_SRIOV: return PCI_EXT_CAP_SRIOV_SIZEOF;
    case PCI_EXT_CAP_ID_MCAST: return PCI_EXT_CAP_MCAST_ENDPOINT_SIZEOF;
    case PCI_EXT_CAP_ID_PRI: return PCI_EXT_CAP_PRI_SIZEOF;
    case PCI_EXT_CAP_ID_REBAR:
    case kVfResizableBar: {
      const std::uint32_t control = field<std::uint32_t>(config, offset + PCI_REBAR_CTRL);
      return 4 + 8 * ((control & PCI_REBAR_CTRL_NBAR_MASK) >> PCI_REBAR_CTRL_NBAR_SHIFT);
    }
    case PCI_EXT_CAP_ID_DPA: return PCI_DPA_BASE_SIZEOF;
    case PCI_EXT_CAP_ID_TPH: return tph_size(field<std::uint32_t>(config, offset + PCI_TPH_CAP));
    case PCI_EXT_CAP_ID_LTR: return PCI_EXT_CAP_LTR_SIZEOF;
    case PCI_EXT_CAP_ID_PASID: return PCI_EXT_CAP_PASID_SIZEOF;
    case PCI_EXT_CAP_ID_L1SS: return 16;
    case PCI_EXT_CAP_ID_PTM: return 12;
    case PCI_EXT_CAP_ID_DVSEC: return PCI_DVSEC_HEADER1_LEN(field<std::uint32_t>(config, offset + PCI_DVSEC_HEADER1));
    case PCI_EXT_CAP_ID_DLF: return 12;
    default: return 4;
  }
}

/// Cuts every capability off where the next one, by address, begins, and at the end of the space: an owner that checks sizes
/// then never takes one register for two.
void cut_overlaps(std::vector<Capability>& list, std::size_t end, std::string* problem) {
  std::vector<std::uint16_t> starts;
  starts.reserve(list.size());
  for (const Capability& capability : list) starts.push_back(capability.offset);
  std::ranges::sort(starts);

  for (Capability& capability : list) {
    const auto next = std::ranges::upper_bound(starts, capability.offset);
    const std::size_t room = (next == starts.end() ? end : *next) - capability.offset;
    if (capability.size <= room) continue;
    report(problem, fmt::format("capability {:#x} at {:#x} needs {} bytes and has {}", capability.id, capability.offset,
                                capability.size, room));
    capability.size = static_cast<std::uint16_t>(room);
  }
}

}  // namespace

std::vector<Capability> walk_capabilities(std::span<const std::uint8_t> config, std::string* problem) {
  std::vector<Capability> list;
  if (config.size() < kStandardEnd) return list;
  if ((load<std::uint16_t>(config, PCI_STATUS) & PCI_STATUS_CAP_LIST) == 0) return list;

  const auto space = config.first(kStandardEnd);
  Visited visited;
  std::size_t offset = space[PCI_CAPABILITY_LIST] & ~3u;
  while (offset != 0) {
    if (offset < PCI_STD_HEADER_SIZEOF) {
      report(problem, fmt::format("capability pointer {:#x} leads into the header", offset));
      break;
    }
    if (visited[offset / 4]) {
      report(problem, fmt::format("capability list loops to {:#x}", offset));
      break;
    }
    visited.set(offset / 4);
    const std::uint8_t id = space[offset + PCI_CAP_LIST_ID];
    if (id == 0xff) {
      report(problem, fmt::format("no capability at {:#x}", offset));
      break;
    }
    const unsigned size = std::max(standard_size(space, id, offset), 2u);
    list.push_back({.id = id, .offset = static_cast<std::uint16_t>(offset), .size = static_cast<std::uint16_t>(size)});
    offset = space[offset + PCI_CAP_LIST_NEXT] & ~3u;
  }
  cut_overlaps(list, kStandardEnd, problem);
  return list;
}

std::vector<Capability> walk_extended_capabilities(std::span<const std::uint8_t> config, std::string* problem) {
  std::vector<Capability> list;
  if (config.size() < kExtendedEnd) return list;
  const auto space = config.first(kExtendedEnd);
  if (load<std::uint32_t>(space, kExtendedStart) == 0) return list;

  Visited visited;
  std::size_t offset = kExtendedStart;
  while (offset != 0) {
    if (offset < kExtendedStart) {
      report(problem, fmt::format("extended capability pointer {:#x} leads below {:#x}", offset, kExtendedStart));
      break;
    }
    if (visited[offset / 4]) {
      report(problem, fmt::format("extended capability list loops to {:#x}", offset));
      break;
    }
    visited.set(offset / 4);
    const std::uint32_t header = load<std::uint32_t>(space, offset);
    if (header == kNothingAnswered) {
      if (offset != kExtendedStart) report(problem, fmt::format("no extended capability at {:#x}", offset));
      break;
    }
    const std::uint16_t id = PCI_EXT_CAP_ID(header);
    const unsigned size = std::max(extended_size(space, id, offset), 4u);
    list.push_back({.id = id,
                    .offset = static_cast<std::uint16_t>(offset),
                    .size = static_cast<std::uint16_t>(size),
                    .version = static_cast<std::uint8_t>(PCI_EXT_CAP_VER(header))});
    offset = PCI_EXT_CAP_NEXT(header);
  }
  cut_overlaps(list, kExtendedEnd, problem);
  return list;
}

void hide_extended_capabilities(std::span<std::uint8_t> config, const std::function<bool(std::uint16_t id)>& hidden) {
  // Backwards, so that the next one to be seen is known. Every pointer is written anew: where a malformed list loops, the old
  // ones would lead back to what was hidden.
  const std::vector<Capability> list = walk_extended_capabilities(config);
  std::uint32_t next = 0;
  for (auto capability = list.rbegin(); capability != list.rend(); ++capability) {
    const bool head = capability->offset == kExtendedStart;
    const bool hide = hidden(capability->id);
    if (hide && !head) continue;
    const std::uint32_t version = std::uint32_t{capability->version} << 16;
    const std::uint32_t identity = hide ? 0 : version | capability->id;
    store(config, capability->offset, identity | next << kExtendedNextShift);
    next = capability->offset;
  }
}

}  // namespace strait::pci
