#include "boot/elf.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include <fmt/format.h>

#include "base/error.h"
#include "base/little_endian.h"
#include "base/units.h"
#include "boot/layout.h"

namespace strait::boot {
namespace {

/// vmlinux has five program headers.
constexpr unsigned kProgramHeadersMax = 64;
/// vmlinux has half a KiB of notes.
constexpr std::uint64_t kNotesMax = 64 * kKiB;
constexpr std::uint32_t kXenPhys32Entry = 18;
constexpr std::string_view kXenNoteName{"Xen\0", 4};

Error malformed(const std::string& what) { return Error("is a malformed ELF file: " + what); }

/// One program header in 64-bit widths, whatever the file's class.
struct ProgramHeader {
  std::uint32_t type;
  std::uint64_t offset, physical, file_size, memory_size;
};

template <typename T>
T read_object(const ByteSource& source, std::uint64_t offset) {
  std::array<std::uint8_t, sizeof(T)> bytes{};
  source.read(offset, bytes);
  return load<T>(bytes);
}

std::string machine_name(std::uint16_t machine) {
  switch (machine) {
    case EM_AARCH64: return "AArch64";
    case EM_ARM: return "ARM";
    case EM_RISCV: return "RISC-V";
    case EM_PPC64: return "POWER";
    case EM_S390: return "S/390";
    default: return fmt::format("ELF machine {}", machine);
  }
}

template <typename Header>
void check_header(const Header& header, std::uint16_t machine, std::size_t program_header_size) {
  if (header.e_machine != machine) {
    throw Error("is for another machine: " + machine_name(header.e_machine), "use an x86-64 kernel");
  }
  if (header.e_type != ET_EXEC && header.e_type != ET_DYN) throw Error("is an ELF file, but no executable one", "give vmlinux");
  if (header.e_phnum == 0) throw malformed("it has no program headers");
  if (header.e_phnum > kProgramHeadersMax) throw malformed(fmt::format("{} program headers are too many", +header.e_phnum));
  if (header.e_phentsize != program_header_size) {
    throw malformed(fmt::format("its program headers are {} bytes, not {}", +header.e_phentsize, program_header_size));
  }
}

ElfSegment checked_segment(const ProgramHeader& header, std::uint64_t file_size) {
  if (header.offset > file_size || header.file_size > file_size - header.offset) {
    throw Error(fmt::format("is truncated: a segment needs {} bytes from offset {}, the file has {}", header.file_size,
                            header.offset, file_size), "copy it again");
  }
  if (header.file_size > header.memory_size) {
    throw malformed(fmt::format("a segment has {} bytes in the file for {} in memory", header.file_size, header.memory_size));
  }
  if (header.memory_size > ~header.physical) throw malformed(fmt::format("a segment at {:#x} wraps around", header.physical));
  if (header.physical < kKernelArea.value) {
    throw Error(fmt::format("wants to be loaded at {:#x}, and below 1 MiB are the tables that strait starts it with",
                            header.physical), "link it at 1 MiB or above");
  }
  return {{header.offset, header.file_size}, {Gpa{header.physical}, header.memory_size}};
}

/// The 4-byte aligned notes of one PT_NOTE segment (gABI, "Note Section"); a note that does not fit ends the walk.
std::optional<std::uint64_t> find_pvh_entry(std::span<const std::uint8_t> notes) {
  std::size_t at = 0;
  while (notes.size() - at >= sizeof(Elf64_Nhdr)) {
    const auto note = load<Elf64_Nhdr>(notes, at);
    at += sizeof note;
    const std::uint64_t name_size = align_up(std::uint64_t{note.n_namesz}, 4);
    const std::uint64_t desc_size = align_up(std::uint64_t{note.n_descsz}, 4);
    // The last descriptor may come without its padding.
    if (name_size > notes.size() - at || note.n_descsz > notes.size() - at - name_size) return std::nullopt;
    const auto name = notes.subspan(at, note.n_namesz);
    const auto desc = notes.subspan(at + name_size, note.n_descsz);
    if (note.n_type == kXenPhys32Entry && name.size() == kXenNoteName.size() &&
        std::equal(name.begin(), name.end(), kXenNoteName.begin())) {
      if (desc.size() == 4) return load<std::uint32_t>(desc);
      if (desc.size() == 8) return load<std::uint64_t>(desc);
    }
    at += std::min<std::uint64_t>(name_size + desc_size, notes.size() - at);
  }
  return std::nullopt;
}

bool covers(const std::vector<ElfSegment>& segments, std::uint64_t address) {
  return std::ranges::any_of(segments, [&](const ElfSegment& segment) { return segment.memory.contains(Gpa{address}); });
}

void check_segments(const std::vector<ElfSegment>& segments) {
  if (segments.empty()) throw malformed("it has nothing to load");
  for (std::size_t i = 0; i < segments.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (!segments[i].memory.overlaps(segments[j].memory)) continue;
      throw malformed(fmt::format("two segments overlap at {:#x}", segments[i].memory.start.value));
    }
  }
}

void read_notes(const ByteSource& source, const ProgramHeader& header, ElfKernel& kernel) {
  if (kernel.pvh_entry) return;
  if (header.file_size > kNotesMax) throw malformed(fmt::format("{} bytes of notes are too many", header.file_size));
  std::vector<std::uint8_t> notes(header.file_size);
  source.read(header.offset, notes);
  kernel.headers_end = std::max(kernel.headers_end, header.offset + header.file_size);
  if (const auto entry = find_pvh_entry(notes)) kernel.pvh_entry = Gpa{*entry};
}

template <typename FileHeader, typename FileProgramHeader>
ElfKernel parse(const ByteSource& source, std::uint16_t machine) {
  const auto header = read_object<FileHeader>(source, 0);
  check_header(header, machine, sizeof(FileProgramHeader));
  ElfKernel kernel;
  kernel.is_64bit = sizeof(FileHeader) == sizeof(Elf64_Ehdr);
  kernel.entry = Gpa{header.e_entry};

  std::vector<std::uint8_t> table(header.e_phnum * sizeof(FileProgramHeader));
  source.read(header.e_phoff, table);
  kernel.headers_end = header.e_phoff + table.size();
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    const auto raw = load<FileProgramHeader>(table, i * sizeof(FileProgramHeader));
    const ProgramHeader program{raw.p_type, raw.p_offset, raw.p_paddr, raw.p_filesz, raw.p_memsz};
    if (program.type == PT_NOTE) read_notes(source, program, kernel);
    if (program.type == PT_LOAD && program.memory_size > 0) {
      kernel.segments.push_back(checked_segment(program, source.size()));
    }
  }
  check_segments(kernel.segments);
  if (kernel.pvh_entry && !covers(kernel.segments, kernel.pvh_entry->value)) {
    throw malformed(fmt::format("its PVH entry {:#x} is outside its segments", kernel.pvh_entry->value));
  }
  if (!kernel.pvh_entry && !covers(kernel.segments, kernel.entry.value)) {
    throw malformed(fmt::format("its entry {:#x} is outside its segments", kernel.entry.value));
  }
  return kernel;
}

}  // namespace

Gpa ElfKernel::memory_end() const {
  Gpa end;
  for (const auto& segment : segments) end = std::max(end, segment.memory.end());
  return end;
}

std::uint64_t ElfKernel::file_end() const {
  std::uint64_t end = headers_end;
  for (const auto& segment : segments) end = std::max(end, segment.file.offset + segment.file.size);
  return end;
}

ElfKernel parse_elf(const ByteSource& source) {
  const auto ident = read_object<std::array<std::uint8_t, EI_NIDENT>>(source, 0);
  if (std::memcmp(ident.data(), ELFMAG, SELFMAG) != 0) throw Error("is no ELF file");
  if (ident[EI_DATA] != ELFDATA2LSB) throw Error("is for another machine: big-endian", "use an x86-64 kernel");
  if (ident[EI_CLASS] == ELFCLASS64) return parse<Elf64_Ehdr, Elf64_Phdr>(source, EM_X86_64);
  if (ident[EI_CLASS] == ELFCLASS32) return parse<Elf32_Ehdr, Elf32_Phdr>(source, EM_386);
  throw malformed("it is neither 32-bit nor 64-bit");
}

}  // namespace strait::boot
