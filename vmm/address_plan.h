#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/types.h"
#include "base/units.h"

namespace strait {

/// Where RAM and 64-bit BARs lie in the guest's physical address space.
struct AddressPlan {
  std::vector<Range<Gpa>> ram;
  Range<Gpa> mmio64;                ///< empty where none fits
  std::uint32_t physical_bits = 0;  ///< what the guest's CPUID announces
};

/// Plans for `memory` bytes of RAM, in whole pages of `page_size`, on a host of `host_bits` physical address bits, whose IOMMU maps `usable`
/// (ascending; empty means everything, as without an assigned device): guest-physical addresses are the IOVAs of RAM and BARs. The guest is
/// told no more address bits than the IOMMU has. Throws Error where the memory does not fit. Pure.
AddressPlan plan_addresses(std::uint64_t memory, std::uint32_t host_bits, std::span<const Range<Iova>> usable,
                           std::uint64_t page_size = kPageSize);

/// Whether every byte of RAM can be mapped for DMA with an IOMMU that maps `usable` (as above). Pure.
bool ram_is_mappable(const AddressPlan& plan, std::span<const Range<Iova>> usable);

}  // namespace strait
