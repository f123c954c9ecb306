#pragma once

#include <cstdint>
#include <span>

namespace strait::boot::acpi {

/// dsdt.asl as iasl compiled it when strait was built: a whole table with its header and checksum.
std::span<const std::uint8_t> dsdt();

}  // namespace strait::boot::acpi
