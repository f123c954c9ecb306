#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/types.h"
#include "boot/layout.h"

namespace strait::boot {

/// What the zero page says (Linux Documentation/arch/x86/zero-page.rst), apart from the setup header's own fields.
struct ZeroPageInput {
  /// BzImage::header.
  std::span<const std::uint8_t> setup_header;
  /// Where the bzImage's protected-mode code lies; 0 for a kernel that was unpacked.
  Gpa code;
  Gpa command_line;
  /// Below 4 GiB; empty for none.
  Range<Gpa> initrd;
  Gpa rsdp;
  /// The first struct setup_data, 0 for none.
  Gpa setup_data;
  /// At most 128.
  std::span<const E820Entry> e820;
};

/// The 4096 bytes of struct boot_params. Throws Error where the memory map has too many entries. Pure.
std::vector<std::uint8_t> zero_page(const ZeroPageInput& input);

/// A struct setup_data of type SETUP_RNG_SEED, the last of its list: entropy, so that the guest's random numbers do not have
/// to wait for any. Pure.
std::vector<std::uint8_t> rng_seed_data(std::span<const std::uint8_t> seed);

}  // namespace strait::boot
