#pragma once

#include <cstdint>

#include "base/guest_memory.h"
#include "base/types.h"

namespace strait::boot {

/// A segment register: the selector, and the raw descriptor it was loaded from (Intel SDM 3A, 3.4.5).
struct Segment {
  std::uint16_t selector = 0;
  std::uint64_t descriptor = 0;

  constexpr std::uint32_t base() const {
    return static_cast<std::uint32_t>(((descriptor >> 16) & 0xffffff) | ((descriptor >> 32) & 0xff000000));
  }
  /// In bytes: the granularity bit is applied.
  constexpr std::uint32_t limit() const {
    const auto raw = static_cast<std::uint32_t>((descriptor & 0xffff) | ((descriptor >> 32) & 0xf0000));
    return granularity() ? (raw << 12) | 0xfff : raw;
  }
  constexpr std::uint8_t type() const { return (descriptor >> 40) & 0xf; }
  constexpr bool is_code_or_data() const { return bit(44); }
  constexpr std::uint8_t dpl() const { return (descriptor >> 45) & 0x3; }
  constexpr bool present() const { return bit(47); }
  constexpr bool available() const { return bit(52); }
  constexpr bool long_mode() const { return bit(53); }
  constexpr bool default_size() const { return bit(54); }
  constexpr bool granularity() const { return bit(55); }

 private:
  constexpr bool bit(unsigned n) const { return ((descriptor >> n) & 1) != 0; }
};

enum class EntryMode {
  kLong64,       ///< 64-bit code, paging on: Linux's 64-bit boot protocol
  kProtected32,  ///< 32-bit flat code, paging off: PVH
};

/// What the first vCPU's registers must hold at the kernel's entry. Those that are not named are 0; RFLAGS is 2; the IDT is
/// empty; every data segment register (DS, ES, FS, GS, SS) gets `data`.
struct EntryState {
  EntryMode mode = EntryMode::kLong64;
  std::uint64_t rip = 0, rsi = 0, rbx = 0, rsp = 0;
  std::uint64_t cr0 = 0, cr3 = 0, cr4 = 0, efer = 0;
  Gpa gdt_base;
  /// The last byte's offset, as LGDT takes it.
  std::uint16_t gdt_limit = 0;
  Segment code, data, task;
};

/// Writes the GDT at kGdt, and for kLong64 the identity page tables of the first 4 GiB at kPageTables; returns the state
/// that uses them, with rip, rsi and rbx still 0. Throws Error where that memory is not RAM.
EntryState prepare_entry(const GuestMemory& memory, EntryMode mode);

}  // namespace strait::boot
