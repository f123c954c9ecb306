#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Tiny kernels, valid until a test breaks them.
namespace strait::boot::test {

using Bytes = std::vector<std::uint8_t>;

Bytes bytes(std::string_view text);
Bytes concatenate(std::initializer_list<Bytes> parts);

/// Overwrites what stands at `offset`.
template <typename T>
void patch(Bytes& target, std::size_t offset, T value) {
  for (std::size_t i = 0; i < sizeof value; ++i) {
    target.at(offset + i) = static_cast<std::uint8_t>(std::uint64_t{value} >> (8 * i));
  }
}

struct SegmentSpec {
  std::uint64_t physical = 0;
  Bytes content;
  /// 0: as much as `content`.
  std::uint64_t memory_size = 0;
};

struct ElfSpec {
  bool is_64bit = true;
  std::uint16_t machine = 0;  ///< 0: the one that goes with the class
  std::uint16_t type = 2;     ///< ET_EXEC
  std::uint64_t entry = 0x1000000;
  std::vector<SegmentSpec> segments{{0x1000000, Bytes(100, 0x90), 0}};
  Bytes notes;
};

/// Where make_elf puts things.
inline constexpr std::size_t kElf64Entry = 24, kElf64HeaderCount = 56, kElf64HeaderSize = 54, kElf64Headers = 64;
inline constexpr std::size_t kElf64HeaderBytes = 56;

Bytes make_elf(const ElfSpec& spec = {});
/// One ELF note, padded.
Bytes make_note(std::string_view name, std::uint32_t type, const Bytes& description);
/// The note that makes an ELF file a PVH kernel; `width` of the address is 4 or 8 bytes.
Bytes pvh_note(std::uint64_t entry, unsigned width = 8);

/// The payload as Linux's build leaves it: packed, and the unpacked size appended where the format has none.
Bytes pack_gzip(const Bytes& content);
Bytes pack_xz(const Bytes& content);
Bytes pack_zstd(const Bytes& content);
Bytes pack_lz4(const Bytes& content);

/// Offsets of the setup header's fields in the file (boot.rst).
inline constexpr std::size_t kSetupSects = 0x1f1, kSyssize = 0x1f4, kBootFlag = 0x1fe, kJump = 0x201, kHdrS = 0x202,
                             kVersion = 0x206, kLoadflags = 0x211, kInitrdMax = 0x22c, kAlignment = 0x230, kXloadflags = 0x236,
                             kCmdlineSize = 0x238, kPayloadOffset = 0x248, kPayloadLength = 0x24c, kPrefAddress = 0x258,
                             kInitSize = 0x260;

/// Four setup sectors, then the code: 0x200 bytes of stub, then `payload`. Prefers 16 MiB and asks for 1 MiB.
Bytes make_bzimage(const Bytes& payload);
inline constexpr std::size_t kCodeOffset = 5 * 512;

/// A file that is there while this object is.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  /// Writes PATH/name and returns that path.
  std::string file(const std::string& name, std::span<const std::uint8_t> content) const;

 private:
  std::string path_;
};

}  // namespace strait::boot::test
