#include "tests/unit/boot/kernel_builder.h"

#include <elf.h>
#include <lz4.h>
#include <lzma.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "base/little_endian.h"
#include "base/units.h"

namespace strait::boot::test {
namespace {

template <typename T>
void put(Bytes& target, std::size_t offset, const T& object) {
  store(std::span(target), offset, object);
}

Bytes with_size(Bytes packed, std::size_t size) {
  packed.resize(packed.size() + 4);
  patch(packed, packed.size() - 4, static_cast<std::uint32_t>(size));
  return packed;
}

template <typename Header, typename ProgramHeader>
Bytes build_elf(const ElfSpec& spec) {
  using Word = decltype(ProgramHeader::p_offset);
  const std::size_t count = spec.segments.size() + (spec.notes.empty() ? 0 : 1);
  Header header{};
  header.e_ident[EI_MAG0] = ELFMAG0;
  header.e_ident[EI_MAG1] = ELFMAG1;
  header.e_ident[EI_MAG2] = ELFMAG2;
  header.e_ident[EI_MAG3] = ELFMAG3;
  header.e_ident[EI_CLASS] = spec.is_64bit ? ELFCLASS64 : ELFCLASS32;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_type = spec.type;
  header.e_machine = spec.machine != 0 ? spec.machine : spec.is_64bit ? EM_X86_64 : EM_386;
  header.e_entry = static_cast<Word>(spec.entry);
  header.e_phoff = sizeof(Header);
  header.e_phentsize = sizeof(ProgramHeader);
  header.e_phnum = static_cast<std::uint16_t>(count);

  Bytes file(sizeof header + count * sizeof(ProgramHeader));
  put(file, 0, header);
  std::size_t place = sizeof header;
  const auto add = [&](std::uint32_t type, std::uint64_t physical, const Bytes& content, std::uint64_t memory_size) {
    ProgramHeader program{};
    program.p_type = type;
    program.p_offset = static_cast<Word>(file.size());
    program.p_paddr = static_cast<Word>(physical);
    program.p_filesz = static_cast<Word>(content.size());
    program.p_memsz = static_cast<Word>(memory_size != 0 ? memory_size : content.size());
    put(file, place, program);
    place += sizeof program;
    file.insert(file.end(), content.begin(), content.end());
  };
  for (const auto& segment : spec.segments) add(PT_LOAD, segment.physical, segment.content, segment.memory_size);
  if (!spec.notes.empty()) add(PT_NOTE, 0, spec.notes, 0);
  return file;
}

}  // namespace

Bytes bytes(std::string_view text) {
  Bytes result;
  for (const char c : text) result.push_back(static_cast<std::uint8_t>(c));
  return result;
}

Bytes concatenate(std::initializer_list<Bytes> parts) {
  Bytes result;
  for (const Bytes& part : parts) {
    for (const std::uint8_t byte : part) result.push_back(byte);
  }
  return result;
}

Bytes make_elf(const ElfSpec& spec) {
  return spec.is_64bit ? build_elf<Elf64_Ehdr, Elf64_Phdr>(spec) : build_elf<Elf32_Ehdr, Elf32_Phdr>(spec);
}

Bytes make_note(std::string_view name, std::uint32_t type, const Bytes& description) {
  Bytes note(12);
  patch(note, 0, static_cast<std::uint32_t>(name.size()));
  patch(note, 4, static_cast<std::uint32_t>(description.size()));
  patch(note, 8, type);
  note = concatenate({note, bytes(name)});
  note.resize(align_up(note.size(), 4));
  note = concatenate({note, description});
  note.resize(align_up(note.size(), 4));
  return note;
}

Bytes pvh_note(std::uint64_t entry, unsigned width) {
  Bytes description(8);
  patch(description, 0, entry);
  description.resize(width);
  return make_note(std::string_view("Xen\0", 4), 18, description);
}

Bytes pack_gzip(const Bytes& content) {
  z_stream stream{};
  if (deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("deflateInit2");
  }
  Bytes packed(deflateBound(&stream, content.size()));
  stream.next_in = const_cast<Bytef*>(content.data());
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

Bytes pack_xz(const Bytes& content) {
  // As Linux's scripts/xz_wrap.sh does for x86: BCJ, LZMA2, CRC32.
  lzma_options_lzma lzma2{};
  lzma_lzma_preset(&lzma2, 6);
  lzma_filter filters[] = {{LZMA_FILTER_X86, nullptr}, {LZMA_FILTER_LZMA2, &lzma2}, {LZMA_VLI_UNKNOWN, nullptr}};
  Bytes packed(lzma_stream_buffer_bound(content.size()));
  std::size_t size = 0;
  if (lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, nullptr, content.data(), content.size(), packed.data(), &size,
                                packed.size()) != LZMA_OK) {
    throw std::runtime_error("lzma_stream_buffer_encode");
  }
  packed.resize(size);
  return with_size(packed, content.size());
}

Bytes pack_zstd(const Bytes& content) {
  Bytes packed(ZSTD_compressBound(content.size()));
  packed.resize(ZSTD_compress(packed.data(), packed.size(), content.data(), content.size(), 3));
  return with_size(packed, content.size());
}

Bytes pack_lz4(const Bytes& content) {
  constexpr std::size_t kBlock = 8 * kMiB;
  Bytes packed{0x02, 0x21, 0x4c, 0x18};
  for (std::size_t at = 0; at < content.size(); at += kBlock) {
    const auto part = static_cast<int>(std::min(kBlock, content.size() - at));
    Bytes block(static_cast<std::size_t>(LZ4_compressBound(part)));
    const int size = LZ4_compress_default(reinterpret_cast<const char*>(content.data() + at),
                                          reinterpret_cast<char*>(block.data()), part, static_cast<int>(block.size()));
    block.resize(static_cast<std::size_t>(size));
    Bytes length(4);
    patch(length, 0, static_cast<std::uint32_t>(size));
    packed = concatenate({packed, length, block});
  }
  return with_size(packed, content.size());
}

Bytes make_bzimage(const Bytes& payload) {
  Bytes code(0x200, 0xcc);
  code.insert(code.end(), payload.begin(), payload.end());
  code.resize(align_up(code.size(), 16));
  Bytes image(kCodeOffset);
  patch(image, kSetupSects, std::uint8_t{4});
  patch(image, kSyssize, static_cast<std::uint32_t>(code.size() / 16));
  patch(image, kBootFlag, std::uint16_t{0xaa55});
  patch(image, kJump - 1, std::uint8_t{0xeb});
  patch(image, kJump, std::uint8_t{0x6a});
  patch(image, kHdrS, std::uint32_t{0x53726448});
  patch(image, kVersion, std::uint16_t{0x020f});
  patch(image, kLoadflags, std::uint8_t{1});
  patch(image, kInitrdMax, std::uint32_t{0x7fffffff});
  patch(image, kAlignment, std::uint32_t{0x200000});
  patch(image, kAlignment + 4, std::uint8_t{1});
  patch(image, kXloadflags, std::uint16_t{1});
  patch(image, kCmdlineSize, std::uint32_t{2047});
  patch(image, kPayloadOffset, std::uint32_t{0x200});
  patch(image, kPayloadLength, static_cast<std::uint32_t>(payload.size()));
  patch(image, kPrefAddress, std::uint64_t{0x1000000});
  patch(image, kInitSize, std::uint32_t{0x100000});
  return concatenate({image, code});
}

TemporaryDirectory::TemporaryDirectory() {
  std::string name = (std::filesystem::temp_directory_path() / "strait-boot-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryDirectory::file(const std::string& name, std::span<const std::uint8_t> content) const {
  const std::string path = path_ + "/" + name;
  std::ofstream stream(path, std::ios::binary);
  stream.write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
  return path;
}

}  // namespace strait::boot::test
