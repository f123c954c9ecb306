#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vfio/assigned_device.h"

namespace strait::vfio {

/// How the guest reaches the pages of one memory BAR: `direct` ones without an exit, `trapped` ones through the monitor. Both
/// ascending; together they are the BAR, without overlap. All of `direct` is whole pages.
struct BarLayout {
  std::vector<Area> direct;
  std::vector<Area> trapped;
};

/// Lays out a BAR of `size` bytes: what may be mapped, less the pages in which `structures` (MSI-X table, PBA) lie. Where the guest's
/// registers share such a page, the trapped access is forwarded. A mappable BAR smaller than a page is one whole direct page: the
/// kernel offers that only where nothing else lives in the page. Areas past the BAR's end are cut off. Pure.
BarLayout lay_out_bar(std::uint64_t size, std::span<const Area> mappable, std::span<const Area> structures);

}  // namespace strait::vfio
