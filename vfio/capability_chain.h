#pragma once

#include <linux/vfio.h>

#include <cstdint>
#include <span>

#include "base/little_endian.h"

namespace strait::vfio {

/// Calls `use(id, offset)` for each capability behind a VFIO info structure: a list of vfio_info_cap_header linked by offsets within
/// `bytes`, 0 at the end. Bounded, whatever the offsets say.
template <typename Use>
void for_each_capability(std::span<const std::uint8_t> bytes, std::uint32_t offset, Use&& use) {
  constexpr unsigned kMaxHops = 32;
  for (unsigned hops = 0; offset != 0 && hops < kMaxHops && offset + sizeof(vfio_info_cap_header) <= bytes.size(); ++hops) {
    const auto header = load<vfio_info_cap_header>(bytes, offset);
    use(header.id, offset);
    offset = header.next;
  }
}

}  // namespace strait::vfio
