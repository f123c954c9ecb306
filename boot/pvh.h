#pragma once

#include <cstdint>
#include <span>

#include "base/guest_memory.h"
#include "base/types.h"
#include "boot/layout.h"

namespace strait::boot {

/// Xen's public/arch-x86/hvm/start_info.h: struct hvm_start_info, version 1.
struct HvmStartInfo {
  static constexpr std::uint32_t kMagic = 0x336ec578;

  std::uint32_t magic = kMagic;
  std::uint32_t version = 1;
  std::uint32_t flags = 0;
  std::uint32_t module_count = 0;
  std::uint64_t modules = 0;
  std::uint64_t command_line = 0;
  std::uint64_t rsdp = 0;
  std::uint64_t memory_map = 0;
  std::uint32_t memory_map_entries = 0;
  std::uint32_t reserved = 0;
};
static_assert(sizeof(HvmStartInfo) == 56);

/// struct hvm_modlist_entry: module 0 is the initrd.
struct HvmModule {
  std::uint64_t start = 0;
  std::uint64_t size = 0;
  std::uint64_t command_line = 0;
  std::uint64_t reserved = 0;
};
static_assert(sizeof(HvmModule) == 32);

/// struct hvm_memmap_table_entry; its types have e820's numbers.
struct HvmMemoryMapEntry {
  std::uint64_t start = 0;
  std::uint64_t size = 0;
  std::uint32_t type = 0;
  std::uint32_t reserved = 0;
};
static_assert(sizeof(HvmMemoryMapEntry) == 24);

/// Writes the start info at kPvhStartInfo with its module list and memory map. `initrd` is empty for none. Throws Error
/// where the memory map has too many entries for its place.
void write_start_info(const GuestMemory& memory, Gpa command_line, const Range<Gpa>& initrd, Gpa rsdp,
                      std::span<const E820Entry> e820);

}  // namespace strait::boot
