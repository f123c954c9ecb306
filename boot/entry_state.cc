#include "boot/entry_state.h"

#include <array>

#include "base/units.h"
#include "boot/layout.h"

namespace strait::boot {
namespace {

// Intel SDM 3A, 2.5 and 2.2.1.
constexpr std::uint64_t kCr0ProtectedMode = 1u << 0;
constexpr std::uint64_t kCr0ExtensionType = 1u << 4;
constexpr std::uint64_t kCr0Paging = 1u << 31;
constexpr std::uint64_t kCr4PhysicalAddressExtension = 1u << 5;
constexpr std::uint64_t kEferLongModeEnable = 1u << 8;
constexpr std::uint64_t kEferLongModeActive = 1u << 10;

// Page-table entry bits (Intel SDM 3A, 4.5).
constexpr std::uint64_t kPresentWritable = 0x3;
constexpr std::uint64_t kLargePage = 0x80;

// Flat segments of ring 0, already accessed: base 0, limit 4 GiB.
constexpr std::uint64_t kCode64 = 0x00af'9b00'0000'ffff;
constexpr std::uint64_t kCode32 = 0x00cf'9b00'0000'ffff;
constexpr std::uint64_t kData = 0x00cf'9300'0000'ffff;
/// A busy 32- or 64-bit TSS at 0 of the smallest size: VMX wants one, nothing uses it.
constexpr std::uint64_t kTask = 0x0000'8b00'0000'0067;

/// Linux's __BOOT_CS and __BOOT_DS (boot.rst asks for these selectors); the TSS after them takes two entries in long mode.
constexpr std::uint16_t kCodeSelector = 0x10;
constexpr std::uint16_t kDataSelector = 0x18;
constexpr std::uint16_t kTaskSelector = 0x20;

void write_identity_map(const GuestMemory& memory) {
  constexpr std::size_t kEntries = kPageSize / sizeof(std::uint64_t);
  constexpr std::size_t kDirectories = 4;
  std::array<std::array<std::uint64_t, kEntries>, 2 + kDirectories> tables{};
  static_assert(sizeof tables == kPageTablesSize);
  const auto table_address = [](std::size_t n) { return kPageTables.value + n * kPageSize; };
  tables[0][0] = table_address(1) | kPresentWritable;
  for (std::size_t i = 0; i < kDirectories; ++i) {
    tables[1][i] = table_address(2 + i) | kPresentWritable;
    for (std::size_t j = 0; j < kEntries; ++j) {
      tables[2 + i][j] = (i * kEntries + j) * kHugePageSize | kPresentWritable | kLargePage;
    }
  }
  memory.write_object(kPageTables, tables);
}

}  // namespace

EntryState prepare_entry(const GuestMemory& memory, EntryMode mode) {
  const bool is_long = mode == EntryMode::kLong64;
  const std::array<std::uint64_t, 6> gdt{0, 0, is_long ? kCode64 : kCode32, kData, kTask, 0};
  static_assert(sizeof gdt <= kPageTables - kGdt);
  memory.write_object(kGdt, gdt);

  EntryState state;
  state.mode = mode;
  state.rsp = kBootStackTop.value;
  state.gdt_base = kGdt;
  state.gdt_limit = sizeof gdt - 1;
  state.code = {kCodeSelector, is_long ? kCode64 : kCode32};
  state.data = {kDataSelector, kData};
  state.task = {kTaskSelector, kTask};
  state.cr0 = kCr0ProtectedMode | kCr0ExtensionType;
  if (is_long) {
    write_identity_map(memory);
    state.cr0 |= kCr0Paging;
    state.cr3 = kPageTables.value;
    state.cr4 = kCr4PhysicalAddressExtension;
    state.efer = kEferLongModeEnable | kEferLongModeActive;
  }
  return state;
}

}  // namespace strait::boot
