#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/unique_fd.h"
#include "boot/byte_source.h"
#include "boot/content_hash.h"

namespace strait::boot {

/// $STRAIT_CACHE, else $XDG_CACHE_HOME/strait, else $HOME/.cache/strait; nothing where none of them is set.
std::optional<std::string> cache_directory();

/// Kernels that were unpacked before, as sparse ELF files, named by the content of the file they came from: the directory
/// `kernels` in the cache directory.
///
/// The directory is trusted because only its owner can write it: it must belong to the effective user and be closed to
/// everybody else, or it is not used. What a crash of the host may have left half-written is found by a checksum, which is
/// verified once per boot of the host; so nothing waits for the disk. Everything here is best effort: no failure stops a guest
/// from booting. Several processes may use a directory at once.
class KernelCache {
 public:
  /// More entries than this are deleted, least recently used first.
  static constexpr std::size_t kEntriesMax = 8;

  /// Uses `directory`/kernels and creates what is missing. Nothing where that is not possible or not safe; says why in the log.
  static std::optional<KernelCache> open(const std::string& directory);

  /// The unpacked kernel for `key`, or null. Marks it as used; deletes it where it is damaged.
  std::unique_ptr<FileSource> find(const ContentKey& key) const;

  /// Keeps `elf` under `key` and deletes entries beyond kEntriesMax. Returns what find() would, null where that fails.
  std::unique_ptr<FileSource> store(const ContentKey& key, std::span<const std::uint8_t> elf) const;

  /// Deletes the entry: its content turned out to be no kernel.
  void discard(const ContentKey& key) const;

 private:
  explicit KernelCache(UniqueFd directory) : directory_(std::move(directory)) {}

  bool write_entry(int fd, const ContentKey& key, std::span<const std::uint8_t> elf) const;
  void prune() const;

  UniqueFd directory_;
};

}  // namespace strait::boot
