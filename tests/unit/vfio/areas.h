#pragma once

#include <cstdint>
#include <ostream>
#include <vector>

#include "vfio/assigned_device.h"

namespace strait::vfio {

using Areas = std::vector<Area>;

constexpr Area area(std::uint64_t start, std::uint64_t size) { return {decltype(Area::start)(start), size}; }

inline void PrintTo(const Area& area, std::ostream* out) { *out << std::hex << "0x" << area.start.value << "+0x" << area.size; }

}  // namespace strait::vfio
