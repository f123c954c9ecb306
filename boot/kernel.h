#pragma once

#include <ctime>
#include <memory>
#include <optional>
#include <string>

#include "base/mapped_region.h"
#include "boot/byte_source.h"
#include "boot/bzimage.h"
#include "boot/elf.h"
#include "boot/kernel_cache.h"

namespace strait::boot {

/// How a kernel is entered.
enum class KernelEntry {
  kAuto,     ///< the ELF inside a bzImage where strait can unpack it, else the bzImage itself; an ELF file by PVH
  kBzImage,  ///< a bzImage as a boot loader would: it unpacks, and randomises, itself
  kElf,      ///< the ELF inside a bzImage, or an ELF file by PVH
};

/// A kernel file, opened and validated, ready to be loaded any number of times. Not thread-safe.
class Kernel {
 public:
  enum class Protocol {
    kLinuxElf,      ///< ELF unpacked from a bzImage: 64-bit entry, zero page
    kLinuxBzImage,  ///< bzImage at its 64-bit entry, zero page
    kPvh,           ///< ELF file at its 32-bit PVH entry, start info
  };

  /// Opens `path`; unpacks it or finds it unpacked in the cache, which `use_cache` allows. Throws Error "kernel PATH ...".
  static Kernel open(const std::string& path, KernelEntry entry, bool use_cache);

  const std::string& path() const { return path_; }
  Protocol protocol() const { return protocol_; }
  /// Present but for kPvh.
  const std::optional<BzImage>& bzimage() const { return bzimage_; }
  /// Present but for kLinuxBzImage.
  const std::optional<ElfKernel>& elf() const { return elf_; }
  bool came_from_cache() const { return came_from_cache_; }

  /// The bytes that bzimage()->code refers to (kLinuxBzImage) or elf()->segments (else). Throws Error where they have to be
  /// unpacked again and cannot be.
  const ByteSource& bytes();

  /// After loading: keeps an unpacked kernel in the cache and gives back its memory. Never fails.
  void settle();

 private:
  explicit Kernel(std::string path) : path_(std::move(path)) {}

  void open_bzimage(std::span<const std::uint8_t> head, KernelEntry entry, bool use_cache);
  void open_elf_file();
  bool find_in_cache(bool use_cache);
  void unpack();
  /// Whether the file is still as it was when it was opened.
  bool is_unchanged() const;

  std::string path_;
  Protocol protocol_ = Protocol::kLinuxElf;
  std::unique_ptr<FileSource> file_;
  timespec changed_{};
  std::optional<BzImage> bzimage_;
  std::optional<ElfKernel> elf_;
  bool came_from_cache_ = false;
  std::optional<KernelCache> cache_;
  ContentKey key_;
  /// The unpacked kernel: in memory, until settle(), or in the cache.
  MappedRegion unpacked_;
  std::optional<SpanSource> unpacked_source_;
  std::unique_ptr<FileSource> cached_;
};

/// Opens a regular file for reading. Throws Error, phrased to follow `path`.
std::unique_ptr<FileSource> open_source(const std::string& path);

}  // namespace strait::boot
