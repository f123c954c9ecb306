#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/units.h"

namespace strait {

/// What a guest may have.
inline constexpr std::uint64_t kMemoryMin = 16 * kMiB, kMemoryMax = 1ull << 52;
inline constexpr std::uint32_t kCpusMax = 254;  ///< APIC id 255 is the broadcast of xAPIC, which 32-bit MADT entries and MSIs go by

/// A whole number in decimal or, with 0x, hexadecimal.
std::optional<std::uint64_t> parse_number(std::string_view text);

/// "512M", "3G", "1048576K"; a bare number is MiB. A multiple of the page size, from kMemoryMin to kMemoryMax. Throws UsageError.
std::uint64_t parse_memory_size(const std::string& text);

}  // namespace strait
