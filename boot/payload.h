#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/mapped_region.h"

namespace strait::boot {

/// How a bzImage's payload is packed: the formats that Linux's arch/x86/boot/compressed/Makefile can choose.
enum class PayloadFormat { kUnknown, kPlainElf, kGzip, kXz, kZstd, kLz4, kBzip2, kLzma, kLzo };

/// Told by the first bytes. Pure.
PayloadFormat detect_payload(std::span<const std::uint8_t> payload);

/// Whether unpack_payload knows it: everything but kUnknown, kBzip2, kLzma and kLzo.
bool can_unpack(PayloadFormat format);

/// "zstd", "xz", ...
std::string_view name(PayloadFormat format);

/// Unpacks a payload (boot.rst, payload_offset) into a fresh buffer of exactly the size that its last four bytes announce; at
/// most 512 MiB. Throws Error, phrased to follow the file's name, where the format is not supported, the data are corrupt, or the
/// size is not what was announced.
MappedRegion unpack_payload(std::span<const std::uint8_t> payload);

}  // namespace strait::boot
