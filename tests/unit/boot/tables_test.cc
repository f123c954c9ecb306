#include "boot/linux.h"
#include "boot/pvh.h"

#include <asm/bootparam.h>

#include "base/little_endian.h"
#include "base/units.h"
#include "boot/bzimage.h"
#include "boot/entry_state.h"
#include "tests/unit/boot/kernel_builder.h"
#include "tests/unit/boot/throws.h"

namespace strait::boot {
namespace {

using namespace test;

const std::vector<E820Entry> kMap{{{Gpa{0}, 0x9fc00}, E820Type::kRam}, {{Gpa{0xe0000}, 0x20000}, E820Type::kReserved}};

GuestMemory small_memory() {
  const Range<Gpa> ram{Gpa{0}, 4 * kMiB};
  return GuestMemory({&ram, 1});
}

template <typename T>
T read(const GuestMemory& memory, Gpa at) {
  return load<T>(*memory.slice(at, sizeof(T)));
}

TEST(ZeroPage, HoldsTheKernelsHeaderAndWhatTheLoaderAdds) {
  Bytes file = make_bzimage(bytes("payload."));
  patch(file, kLoadflags, std::uint8_t{LOADED_HIGH | CAN_USE_HEAP | KEEP_SEGMENTS});
  const BzImage image = parse_bzimage(file, file.size());
  ZeroPageInput input;
  input.setup_header = image.header;
  input.code = Gpa{0x1000000};
  input.command_line = kCommandLine;
  input.initrd = {Gpa{0x3000000}, 12345};
  input.rsdp = Gpa{0xe0000};
  input.setup_data = kSetupData;
  input.e820 = kMap;
  const auto page = zero_page(input);
  ASSERT_EQ(page.size(), 4096u);
  const auto params = load<boot_params>(page);

  EXPECT_EQ(params.hdr.boot_flag, 0xaa55);
  EXPECT_EQ(params.hdr.header, 0x53726448u);
  EXPECT_EQ(params.hdr.version, 0x020f);
  EXPECT_EQ(params.hdr.init_size, 0x100000u);
  EXPECT_EQ(params.hdr.type_of_loader, 0xff);
  EXPECT_EQ(params.hdr.loadflags, LOADED_HIGH);
  EXPECT_EQ(params.hdr.code32_start, 0x1000000u);
  EXPECT_EQ(params.hdr.cmd_line_ptr, kCommandLine.value);
  EXPECT_EQ(params.hdr.ramdisk_image, 0x3000000u);
  EXPECT_EQ(params.hdr.ramdisk_size, 12345u);
  EXPECT_EQ(params.hdr.setup_data, kSetupData.value);
  EXPECT_EQ(params.acpi_rsdp_addr, 0xe0000u);
  EXPECT_EQ(params.sentinel, 0);
  ASSERT_EQ(params.e820_entries, 2);
  EXPECT_EQ(params.e820_table[1].addr, 0xe0000u);
  EXPECT_EQ(params.e820_table[1].size, 0x20000u);
  EXPECT_EQ(params.e820_table[1].type, 2u);
}

TEST(ZeroPage, HasNoInitrdWhereThereIsNone) {
  const Bytes header(0x7b);
  ZeroPageInput input;
  input.setup_header = header;
  input.initrd = {Gpa{0x5000}, 0};
  const auto params = load<boot_params>(zero_page(input));
  EXPECT_EQ(params.hdr.ramdisk_image, 0u);
  EXPECT_EQ(params.hdr.ramdisk_size, 0u);
}

TEST(ZeroPage, RefusesMoreThan128MapEntries) {
  const std::vector<E820Entry> map(129);
  ZeroPageInput input;
  input.e820 = map;
  EXPECT_ERROR(zero_page(input), "129 entries");
}

TEST(RngSeed, IsASetupDataNodeAtTheEndOfTheList) {
  const Bytes seed{1, 2, 3, 4};
  const auto node = rng_seed_data(seed);
  ASSERT_EQ(node.size(), 20u);
  EXPECT_EQ(load<std::uint64_t>(node, 0), 0u);
  EXPECT_EQ(load<std::uint32_t>(node, 8), 9u);
  EXPECT_EQ(load<std::uint32_t>(node, 12), 4u);
  EXPECT_EQ(Bytes(node.begin() + 16, node.end()), seed);
}

TEST(StartInfo, IsWhatXenDefines) {
  const GuestMemory memory = small_memory();
  write_start_info(memory, kCommandLine, {Gpa{0x200000}, 999}, Gpa{0xe0000}, kMap);
  const auto word = [&](std::uint64_t offset) { return read<std::uint32_t>(memory, kPvhStartInfo + offset); };
  const auto quad = [&](std::uint64_t offset) { return read<std::uint64_t>(memory, kPvhStartInfo + offset); };
  EXPECT_EQ(word(0), 0x336ec578u);
  EXPECT_EQ(word(4), 1u);
  EXPECT_EQ(word(8), 0u);
  EXPECT_EQ(word(12), 1u);
  EXPECT_EQ(quad(24), kCommandLine.value);
  EXPECT_EQ(quad(32), 0xe0000u);
  EXPECT_EQ(word(48), 2u);
  EXPECT_EQ(read<std::uint64_t>(memory, Gpa{quad(16)}), 0x200000u);
  EXPECT_EQ(read<std::uint64_t>(memory, Gpa{quad(16)} + 8), 999u);
  const Gpa second = Gpa{quad(40)} + 24;
  EXPECT_EQ(read<std::uint64_t>(memory, second), 0xe0000u);
  EXPECT_EQ(read<std::uint64_t>(memory, second + 8), 0x20000u);
  EXPECT_EQ(read<std::uint32_t>(memory, second + 16), 2u);
}

TEST(StartInfo, HasNoModuleWithoutAnInitrd) {
  const GuestMemory memory = small_memory();
  write_start_info(memory, kCommandLine, {}, Gpa{0xe0000}, kMap);
  EXPECT_EQ(read<std::uint32_t>(memory, kPvhStartInfo + 12), 0u);
  EXPECT_EQ(read<std::uint64_t>(memory, kPvhStartInfo + 16), 0u);
}

TEST(StartInfo, RefusesAMapThatDoesNotFit) {
  const GuestMemory memory = small_memory();
  EXPECT_ERROR(write_start_info(memory, kCommandLine, {}, Gpa{0xe0000}, std::vector<E820Entry>(10000)), "10000 entries");
}

/// The physical address that the identity page tables give for `address`, walking them as the processor does.
std::uint64_t translate(const GuestMemory& memory, std::uint64_t cr3, std::uint64_t address) {
  constexpr std::uint64_t kAddressMask = 0x000ffffffffff000;
  std::uint64_t table = cr3;
  for (const unsigned shift : {39u, 30u}) {
    const auto entry = read<std::uint64_t>(memory, Gpa{table + (address >> shift & 511) * 8});
    EXPECT_EQ(entry & 0x83, 0x3u);
    table = entry & kAddressMask;
  }
  const auto entry = read<std::uint64_t>(memory, Gpa{table + (address >> 21 & 511) * 8});
  EXPECT_EQ(entry & 0x83, 0x83u);
  return (entry & kAddressMask) | (address & (kHugePageSize - 1));
}

TEST(EntryState, LongModeMapsFourGibibytesOneToOne) {
  const GuestMemory memory = small_memory();
  const EntryState state = prepare_entry(memory, EntryMode::kLong64);
  for (const std::uint64_t address : {std::uint64_t{0}, std::uint64_t{0x1234567}, kGiB, 3 * kGiB + 5, 4 * kGiB - 1}) {
    EXPECT_EQ(translate(memory, state.cr3, address), address);
  }
  EXPECT_EQ(state.cr0 & 0x80000001, 0x80000001u);
  EXPECT_EQ(state.cr4, 0x20u);
  EXPECT_EQ(state.efer, 0x500u);
}

TEST(EntryState, SelectorsMatchTheGdtInMemory) {
  const GuestMemory memory = small_memory();
  for (const EntryMode mode : {EntryMode::kLong64, EntryMode::kProtected32}) {
    const EntryState state = prepare_entry(memory, mode);
    for (const Segment& segment : {state.code, state.data, state.task}) {
      EXPECT_LE(segment.selector + 7, state.gdt_limit);
      EXPECT_EQ(read<std::uint64_t>(memory, state.gdt_base + segment.selector), segment.descriptor);
      EXPECT_TRUE(segment.present());
      EXPECT_EQ(segment.base(), 0u);
      EXPECT_EQ(segment.dpl(), 0);
      EXPECT_FALSE(segment.available());
    }
    EXPECT_EQ(state.code.type(), 0xb);
    EXPECT_EQ(state.data.type(), 0x3);
    EXPECT_EQ(state.task.type(), 0xb);
    EXPECT_TRUE(state.code.is_code_or_data());
    EXPECT_FALSE(state.task.is_code_or_data());
    EXPECT_EQ(state.code.limit(), 0xffffffffu);
    EXPECT_EQ(state.task.limit(), 0x67u);
    EXPECT_EQ(state.code.long_mode(), mode == EntryMode::kLong64);
    EXPECT_EQ(state.code.default_size(), mode == EntryMode::kProtected32);
  }
}

TEST(EntryState, Protected32HasNoPaging) {
  const EntryState state = prepare_entry(small_memory(), EntryMode::kProtected32);
  EXPECT_EQ(state.cr0 & 0x80000001, 1u);
  EXPECT_EQ(state.cr3, 0u);
  EXPECT_EQ(state.cr4, 0u);
  EXPECT_EQ(state.efer, 0u);
}

}  // namespace
}  // namespace strait::boot
