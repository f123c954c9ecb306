#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/types.h"
#include "boot/byte_source.h"

namespace strait::boot {

/// A PT_LOAD segment: `file` is copied to `memory.start`, the rest of `memory` is zero.
struct ElfSegment {
  FileRange file;
  Range<Gpa> memory;

  friend bool operator==(const ElfSegment&, const ElfSegment&) = default;
};

/// What strait needs of an ELF kernel (System V gABI chapters 4 and 5), checked: every file range lies within the file; every
/// segment lies at or above 1 MiB without wrapping; the entry lies in a segment.
struct ElfKernel {
  /// ELFCLASS64 and EM_X86_64; otherwise ELFCLASS32 and EM_386.
  bool is_64bit = false;
  /// Segments that take memory, in the order of the program headers; at least one.
  std::vector<ElfSegment> segments;
  /// e_entry, a physical address in vmlinux: the 64-bit Linux entry (boot.rst, "64-bit Boot Protocol").
  Gpa entry;
  /// The 32-bit entry that the ELF note XEN_ELFNOTE_PHYS32_ENTRY names (Xen's public/elfnote.h).
  std::optional<Gpa> pvh_entry;

  /// The address after the highest segment.
  Gpa memory_end() const;
  /// Bytes of the file from its start that loading needs; what follows (symbols, relocations) may be cut off.
  std::uint64_t file_end() const;

  /// From file_end(): headers and notes also count.
  std::uint64_t headers_end = 0;
};

/// Reads headers and notes only. Throws Error, phrased to follow the file's name: another machine's, malformed, truncated, or
/// a segment where no kernel may be.
ElfKernel parse_elf(const ByteSource& source);

}  // namespace strait::boot
