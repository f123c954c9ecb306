#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "boot/byte_source.h"

namespace strait::boot {

/// What a file looks like from its first bytes.
enum class KernelKind {
  kBzImage,  ///< an x86 Linux boot image: boot flag and "HdrS" are there
  kElf,
  kOther,
};

/// `head` is the file's first 4096 bytes, or all of a shorter file. Pure.
KernelKind detect_kernel(std::span<const std::uint8_t> head);

/// The setup header of a bzImage (Linux Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header"), checked: every
/// range lies within the file.
struct BzImage {
  /// The header's bytes from file offset 0x1f1, as long as the kernel says it is: to be copied into the zero page at 0x1f1.
  std::vector<std::uint8_t> header;
  /// Boot protocol, 0x020c or later.
  std::uint16_t protocol = 0;
  /// The protected-mode code: what is loaded into memory.
  FileRange code;
  /// The compressed kernel inside the code; size 0 where the header names none.
  FileRange payload;
  /// Bytes of memory from the load address that the kernel needs before it can look at the memory map.
  std::uint64_t init_size = 0;
  /// The address it wants to be loaded at; 1 MiB or more.
  std::uint64_t preferred_address = 0;
  /// A power of two.
  std::uint32_t alignment = 0;
  bool relocatable = false;
  /// The longest command line, without its NUL.
  std::uint32_t cmdline_size = 0;
  /// The highest address that a byte of the initrd may have.
  std::uint64_t initrd_address_max = 0;
};

/// `head` is the file's first 4096 bytes, or all of a shorter file; `file_size` is all of it. Throws Error, phrased to follow the
/// file's name: not a kernel, another machine's, 32-bit, too old, truncated. Pure.
BzImage parse_bzimage(std::span<const std::uint8_t> head, std::uint64_t file_size);

/// Why a file that is neither bzImage nor ELF is not a kernel that strait can start: "is for another machine: ...". Pure.
std::string describe_other_file(std::span<const std::uint8_t> head);

}  // namespace strait::boot
