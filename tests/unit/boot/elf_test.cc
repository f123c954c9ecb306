#include "boot/elf.h"

#include <elf.h>

#include "tests/unit/boot/kernel_builder.h"
#include "tests/unit/boot/throws.h"

namespace strait::boot {
namespace {

using namespace test;

ElfKernel parse(const Bytes& file) { return parse_elf(SpanSource(file)); }

/// The offset of program header `index`'s field in a 64-bit file.
std::size_t field(unsigned index, std::size_t offset) { return kElf64Headers + index * kElf64HeaderBytes + offset; }

constexpr std::size_t kOffset = offsetof(Elf64_Phdr, p_offset), kPhysical = offsetof(Elf64_Phdr, p_paddr),
                      kFileSize = offsetof(Elf64_Phdr, p_filesz), kMemorySize = offsetof(Elf64_Phdr, p_memsz);

template <typename T>
Bytes with(std::size_t offset, T value, const ElfSpec& spec = {}) {
  Bytes file = make_elf(spec);
  patch(file, offset, value);
  return file;
}

ElfSpec with_notes(const Bytes& notes) {
  ElfSpec spec;
  spec.notes = notes;
  return spec;
}

TEST(Elf, SegmentsEntryAndNote) {
  ElfSpec spec;
  spec.segments = {{0x1000000, Bytes(100, 1), 0}, {0x2000000, Bytes(50, 2), 4096}};
  spec.notes = pvh_note(0x1000010);
  const ElfKernel kernel = parse(make_elf(spec));
  EXPECT_TRUE(kernel.is_64bit);
  ASSERT_EQ(kernel.segments.size(), 2u);
  EXPECT_EQ(kernel.segments[0].memory, (Range<Gpa>{Gpa{0x1000000}, 100}));
  EXPECT_EQ(kernel.segments[1].file.size, 50u);
  EXPECT_EQ(kernel.segments[1].memory, (Range<Gpa>{Gpa{0x2000000}, 4096}));
  EXPECT_EQ(kernel.memory_end(), Gpa{0x2001000});
  EXPECT_EQ(kernel.entry, Gpa{0x1000000});
  EXPECT_EQ(kernel.pvh_entry, Gpa{0x1000010});
}

TEST(Elf, ThirtyTwoBitKernels) {
  ElfSpec spec;
  spec.is_64bit = false;
  spec.notes = pvh_note(0x1000020, 4);
  const ElfKernel kernel = parse(make_elf(spec));
  EXPECT_FALSE(kernel.is_64bit);
  EXPECT_EQ(kernel.pvh_entry, Gpa{0x1000020});
}

TEST(Elf, FileEndCoversHeadersNotesAndSegments) {
  Bytes file = make_elf(with_notes(pvh_note(0x1000000)));
  EXPECT_EQ(parse(file).file_end(), file.size());
  const std::size_t needed = file.size();
  file.resize(needed + 1000);
  EXPECT_EQ(parse(file).file_end(), needed);
  file.resize(needed);
  EXPECT_EQ(parse(file).segments.size(), 1u);
}

TEST(Elf, EmptySegmentsAreSkipped) {
  ElfSpec spec;
  spec.segments.push_back({0, {}, 0});
  EXPECT_EQ(parse(make_elf(spec)).segments.size(), 1u);
}

TEST(Elf, RefusesOtherMachines) {
  for (const auto& [machine, name] : {std::pair<std::uint16_t, const char*>{EM_AARCH64, "AArch64"}, {EM_ARM, "ARM"},
                                      {EM_RISCV, "RISC-V"}, {EM_PPC64, "POWER"}, {EM_S390, "S/390"}, {EM_386, "ELF machine 3"}}) {
    ElfSpec spec;
    spec.machine = machine;
    EXPECT_ERROR(parse(make_elf(spec)), std::string("is for another machine: ") + name);
  }
  EXPECT_ERROR(parse(with(EI_DATA, std::uint8_t{ELFDATA2MSB})), "big-endian");
  EXPECT_ERROR(parse(with(EI_CLASS, std::uint8_t{7})), "neither 32-bit nor 64-bit");
}

TEST(Elf, RefusesFilesThatAreNoProgram) {
  ElfSpec spec;
  spec.type = ET_REL;
  EXPECT_ERROR(parse(make_elf(spec)), "no executable");
  EXPECT_ERROR(parse(bytes("this is a text, and no ELF file at all")), "is no ELF file");
  EXPECT_ERROR(parse(bytes("\x7f" "ELF")), "is truncated");
}

TEST(Elf, RefusesStrangeProgramHeaderTables) {
  EXPECT_ERROR(parse(with(kElf64HeaderCount, std::uint16_t{0})), "no program headers");
  EXPECT_ERROR(parse(with(kElf64HeaderCount, std::uint16_t{0xffff})), "too many");
  EXPECT_ERROR(parse(with(kElf64HeaderSize, std::uint16_t{8})), "program headers are 8 bytes");
  EXPECT_ERROR(parse(with(offsetof(Elf64_Ehdr, e_phoff), ~std::uint64_t{0})), "is truncated");
  EXPECT_ERROR(parse(with(offsetof(Elf64_Ehdr, e_phoff), std::uint64_t{100000})), "is truncated");
}

TEST(Elf, RefusesSegmentsOutsideTheFile) {
  EXPECT_ERROR(parse(with(field(0, kOffset), std::uint64_t{100000})), "is truncated");
  EXPECT_ERROR(parse(with(field(0, kOffset), ~std::uint64_t{0})), "is truncated");
  EXPECT_ERROR(parse(with(field(0, kFileSize), ~std::uint64_t{0})), "is truncated");
}

TEST(Elf, RefusesSegmentsThatMakeNoSenseInMemory) {
  EXPECT_ERROR(parse(with(field(0, kMemorySize), std::uint64_t{1})), "has 100 bytes in the file for 1 in memory");
  EXPECT_ERROR(parse(with(field(0, kPhysical), ~std::uint64_t{0})), "wraps around");
  EXPECT_ERROR(parse(with(field(0, kPhysical), std::uint64_t{0xfffff})), "below 1 MiB");
  ElfSpec spec;
  spec.segments = {{0x1000000, Bytes(100, 1), 0}, {0x1000050, Bytes(100, 1), 0}};
  EXPECT_ERROR(parse(make_elf(spec)), "overlap at 0x1000050");
  spec.segments.clear();
  spec.notes = pvh_note(0x1000000);
  EXPECT_ERROR(parse(make_elf(spec)), "nothing to load");
}

TEST(Elf, RefusesEntriesOutsideTheSegments) {
  ElfSpec spec;
  spec.entry = 0x1000064;
  EXPECT_ERROR(parse(make_elf(spec)), "entry 0x1000064 is outside");
  EXPECT_ERROR(parse(make_elf(with_notes(pvh_note(0xffffffff00000000)))), "PVH entry 0xffffffff00000000 is outside");
}

TEST(ElfNotes, OthersAreSteppedOver) {
  const Bytes notes = concatenate({make_note(std::string_view("Linux\0", 6), 18, Bytes(5)), make_note("", 1, {}),
                                   make_note(std::string_view("Xen\0", 4), 6, bytes("linux")), pvh_note(0x1000004)});
  EXPECT_EQ(parse(make_elf(with_notes(notes))).pvh_entry, Gpa{0x1000004});
}

TEST(ElfNotes, ADescriptorMayComeWithoutItsPadding) {
  Bytes notes = make_note("GNU", 3, Bytes(5));
  notes.resize(notes.size() - 3);
  EXPECT_EQ(parse(make_elf(with_notes(notes))).pvh_entry, std::nullopt);
}

TEST(ElfNotes, ANoteOfAnotherWidthIsNone) {
  EXPECT_EQ(parse(make_elf(with_notes(make_note(std::string_view("Xen\0", 4), 18, Bytes(2))))).pvh_entry, std::nullopt);
}

TEST(ElfNotes, SizesThatDoNotFitEndTheWalk) {
  for (const std::size_t size_field : {0u, 4u}) {
    for (const std::uint32_t size : {0xffffffffu, 0xfffffffdu, 0x7fffffffu, 1000u}) {
      Bytes notes = concatenate({pvh_note(0x1000000), pvh_note(0x1000000)});
      patch(notes, size_field, size);
      EXPECT_EQ(parse(make_elf(with_notes(notes))).pvh_entry, std::nullopt) << size_field << " " << size;
    }
  }
}

TEST(ElfNotes, HugeNotesAreRefusedBeforeTheyAreRead) {
  Bytes file = make_elf(with_notes(pvh_note(0x1000000)));
  patch(file, field(1, kFileSize), std::uint64_t{1} << 40);
  EXPECT_ERROR(parse(file), "of notes are too many");
  patch(file, field(1, kFileSize), std::uint64_t{60000});
  EXPECT_ERROR(parse(file), "is truncated");
}

TEST(Elf, EveryTruncationIsAnErrorAndNoCrash) {
  const Bytes whole = make_elf(with_notes(pvh_note(0x1000000)));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_NE(error_of([&] { parse(part); }), "") << size;
  }
}

}  // namespace
}  // namespace strait::boot
