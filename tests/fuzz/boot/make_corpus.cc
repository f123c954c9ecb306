// make_boot_corpus DIR: writes the seeds of the boot harnesses to DIR/bzimage, DIR/elf and DIR/payload. What is committed in
// corpus/ came from here; what fuzzing found may be added to it.

#include <elf.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/unit/boot/kernel_builder.h"

namespace {

using namespace strait::boot::test;

class Corpus {
 public:
  Corpus(const std::string& directory, const std::string& harness) : path_(directory + "/" + harness) {
    std::filesystem::create_directories(path_);
  }
  void add(const std::string& name, const Bytes& seed) const {
    std::ofstream stream(path_ + "/" + name, std::ios::binary);
    stream.write(reinterpret_cast<const char*>(seed.data()), static_cast<std::streamsize>(seed.size()));
  }

 private:
  std::string path_;
};

/// The harness's form: how much of the file is missing, then the file up to the end of its header.
Bytes bzimage_seed(const Bytes& file, std::size_t kept = 0x270) {
  Bytes seed(4);
  patch(seed, 0, static_cast<std::uint32_t>(file.size() - kept));
  seed.insert(seed.end(), file.begin(), file.begin() + static_cast<std::ptrdiff_t>(kept));
  return seed;
}

void write_bzimages(const Corpus& corpus) {
  const Bytes valid = make_bzimage(Bytes(1000, 1));
  corpus.add("valid", bzimage_seed(valid));
  const auto broken = [&](const std::string& name, std::size_t offset, auto value) {
    Bytes file = valid;
    patch(file, offset, value);
    corpus.add(name, bzimage_seed(file));
  };
  broken("no-setup-sectors", kSetupSects, std::uint8_t{0});
  broken("no-code", kSyssize, std::uint32_t{0});
  broken("old", kVersion, std::uint16_t{0x0206});
  broken("zimage", kLoadflags, std::uint8_t{0});
  broken("32-bit", kXloadflags, std::uint16_t{0});
  broken("truncated", kSyssize, std::uint32_t{0x100000});
  broken("no-payload", kPayloadLength, std::uint32_t{0});
  broken("payload-outside", kPayloadOffset, std::uint32_t{0xfffffff0});
  broken("alignment", kAlignment, std::uint32_t{3});
  broken("address", kPrefAddress, ~std::uint64_t{0});
  broken("init-size", kInitSize, std::uint32_t{0xffffffff});
  broken("no-cmdline", kCmdlineSize, std::uint32_t{0});
  broken("long-header", kJump, std::uint8_t{0xff});
  broken("longer-than-zero-page", kJump, std::uint8_t{0x6d + 0x30});
  broken("short-header", kJump, std::uint8_t{1});
  corpus.add("short", bzimage_seed(valid, 0x220));
  corpus.add("empty", Bytes(4));
  const auto other = [&](const std::string& name, std::size_t offset, std::string_view magic) {
    Bytes seed(4 + offset);
    corpus.add(name, concatenate({seed, bytes(magic)}));
  };
  other("arm64", 0x38, "ARM\x64");
  other("riscv", 0x38, "RSC\x05");
  other("arm", 0x24, "\x18\x28\x6f\x01");
  other("gzip", 0, "\x1f\x8b");
  other("uboot", 0, "\x27\x05\x19\x56");
  other("efi", 0, "MZ");
  other("cpio", 0, "070701");
  other("elf", 0, "\x7f" "ELF");
  other("text", 0, "hello");
}

void write_elfs(const Corpus& corpus) {
  ElfSpec spec;
  spec.segments = {{0x1000000, Bytes(16, 0x90), 64}, {0x2000000, {}, 0x1000}};
  const Bytes note_bytes = concatenate({make_note("GNU", 3, Bytes(20)), pvh_note(0x1000000)});
  spec.notes = note_bytes;
  const Bytes valid = make_elf(spec);
  corpus.add("pvh64", valid);
  spec.notes = {};
  corpus.add("vmlinux", make_elf(spec));
  ElfSpec small;
  small.is_64bit = false;
  small.segments = {{0x100000, Bytes(16, 0x90), 0}};
  small.entry = 0x100000;
  small.notes = pvh_note(0x100000, 4);
  corpus.add("pvh32", make_elf(small));
  small.notes = make_note(std::string_view("Xen\0", 4), 18, Bytes(3));
  corpus.add("note-width", make_elf(small));
  small.entry = 0;
  corpus.add("entry-outside", make_elf(small));
  small.notes = pvh_note(0xfffffff0, 4);
  corpus.add("pvh-entry-outside", make_elf(small));

  const auto broken = [&](const std::string& name, std::size_t offset, auto value) {
    Bytes file = valid;
    patch(file, offset, value);
    corpus.add(name, file);
  };
  const auto field = [](unsigned index, std::size_t offset) { return kElf64Headers + index * kElf64HeaderBytes + offset; };
  broken("big-endian", EI_DATA, std::uint8_t{ELFDATA2MSB});
  broken("class", EI_CLASS, std::uint8_t{3});
  broken("object", offsetof(Elf64_Ehdr, e_type), std::uint16_t{ET_REL});
  for (const int machine : {EM_AARCH64, EM_ARM, EM_RISCV, EM_PPC64, EM_S390, EM_386}) {
    broken("machine-" + std::to_string(machine), offsetof(Elf64_Ehdr, e_machine), static_cast<std::uint16_t>(machine));
  }
  broken("no-headers", kElf64HeaderCount, std::uint16_t{0});
  broken("many-headers", kElf64HeaderCount, std::uint16_t{65});
  broken("header-size", kElf64HeaderSize, std::uint16_t{1});
  broken("headers-outside", offsetof(Elf64_Ehdr, e_phoff), ~std::uint64_t{0});
  broken("segment-outside", field(0, offsetof(Elf64_Phdr, p_offset)), ~std::uint64_t{0});
  broken("segment-too-large", field(0, offsetof(Elf64_Phdr, p_memsz)), std::uint64_t{1});
  broken("segment-wraps", field(0, offsetof(Elf64_Phdr, p_paddr)), ~std::uint64_t{0});
  broken("segment-low", field(0, offsetof(Elf64_Phdr, p_paddr)), std::uint64_t{0x7c00});
  broken("segments-overlap", field(1, offsetof(Elf64_Phdr, p_paddr)), std::uint64_t{0x1000008});
  broken("no-segment", field(0, offsetof(Elf64_Phdr, p_type)), std::uint64_t{0});
  broken("notes-huge", field(2, offsetof(Elf64_Phdr, p_filesz)), std::uint64_t{1} << 63);
  broken("notes-outside", field(2, offsetof(Elf64_Phdr, p_offset)), ~std::uint64_t{0});
  const std::size_t notes = valid.size() - note_bytes.size();
  broken("note-name-size", notes, std::uint32_t{0xfffffffd});
  broken("note-size", notes + 4, std::uint32_t{0xffffffff});
  corpus.add("truncated", Bytes(valid.begin(), valid.begin() + 60));
  corpus.add("text", bytes("this is no ELF file"));
}

void write_payloads(const Corpus& corpus) {
  ElfSpec spec;
  spec.segments = {{0x1000000, concatenate({Bytes(100, 0x90), bytes("some text, some text")}), 0}};
  const Bytes elf = make_elf(spec);
  Bytes plain = elf;
  plain.resize(elf.size() + 4);
  patch(plain, elf.size(), static_cast<std::uint32_t>(elf.size()));
  const std::pair<const char*, Bytes> packed[] = {
      {"gzip", pack_gzip(elf)}, {"xz", pack_xz(elf)}, {"zstd", pack_zstd(elf)}, {"lz4", pack_lz4(elf)}, {"plain", plain}};
  const auto size = static_cast<std::uint32_t>(elf.size());
  for (const auto& [name, payload] : packed) {
    corpus.add(name, payload);
    for (const auto& [suffix, announced] : {std::pair<const char*, std::uint32_t>{"-short", size - 1}, {"-long", size + 1},
                                            {"-absurd", 0xffffffff}, {"-nothing", 0}}) {
      Bytes wrong = payload;
      patch(wrong, wrong.size() - 4, announced);
      corpus.add(std::string(name) + suffix, wrong);
    }
    Bytes corrupt = payload;
    corrupt[corrupt.size() / 2] ^= 0xff;
    corpus.add(std::string(name) + "-corrupt", corrupt);
  }
  Bytes lz4 = pack_lz4(elf);
  Bytes tail = lz4;
  tail.insert(tail.end() - 4, 3, 0);
  corpus.add("lz4-left-over", tail);
  patch(lz4, 4, std::uint32_t{0x7fffffff});
  corpus.add("lz4-block-too-long", lz4);
  corpus.add("lz4-two-frames", concatenate({{0x02, 0x21, 0x4c, 0x18}, pack_lz4(elf)}));
  corpus.add("bzip2", bytes("BZh91AY&SY"));
  corpus.add("lzma", concatenate({{0x5d, 0, 0}, Bytes(10)}));
  corpus.add("lzo", bytes("\x89" "LZO and more"));
  corpus.add("unknown", bytes("something else"));
  corpus.add("too-short", Bytes{0x28, 0xb5, 0x2f, 0xfd});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_boot_corpus DIR\n");
    return 2;
  }
  write_bzimages(Corpus(argv[1], "bzimage"));
  write_elfs(Corpus(argv[1], "elf"));
  write_payloads(Corpus(argv[1], "payload"));
}
