#include "boot/kernel.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "base/units.h"
#include "boot/payload.h"

namespace strait::boot {
namespace {

constexpr std::uint64_t kHeadSize = 4096;
/// The hash reads in pieces that stay in the processor's cache.
constexpr std::uint64_t kHashChunk = 128 * kKiB;

std::vector<std::uint8_t> read_range(const ByteSource& source, const FileRange& range) {
  std::vector<std::uint8_t> bytes(range.size);
  source.read(range.offset, bytes);
  return bytes;
}

ContentKey hash_file(const ByteSource& source) {
  std::vector<std::uint8_t> buffer(std::min(kHashChunk, source.size()));
  ContentHash hash;
  for (std::uint64_t at = 0; at < source.size(); at += buffer.size()) {
    const auto part = std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), source.size() - at));
    source.read(at, part);
    hash.update(part);
  }
  return hash.finish();
}

Error cannot_open(int code) {
  const char* remedy = "";
  if (code == ENOENT || code == ENOTDIR) remedy = "give the path of a file that is there";
  if (code == EACCES) remedy = "make it readable for this user";
  return Error(fmt::format("cannot be opened: {}", std::strerror(code)), remedy);
}

timespec change_time(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? status.st_ctim : timespec{};
}

}  // namespace

std::unique_ptr<FileSource> open_source(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) throw cannot_open(errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throw cannot_open(errno);
  if (!S_ISREG(status.st_mode)) throw Error("is not a regular file", "give a file's path");
  ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_WILLNEED);
  return std::make_unique<FileSource>(std::move(fd), static_cast<std::uint64_t>(status.st_size));
}

Kernel Kernel::open(const std::string& path, KernelEntry entry, bool use_cache) {
  Kernel kernel(path);
  naming("kernel " + path, [&] {
    kernel.file_ = open_source(path);
    kernel.changed_ = change_time(kernel.file_->fd());
    const auto head = read_range(*kernel.file_, {0, std::min(kHeadSize, kernel.file_->size())});
    switch (detect_kernel(head)) {
      case KernelKind::kBzImage:
        kernel.open_bzimage(head, entry, use_cache);
        break;
      case KernelKind::kElf:
        if (entry == KernelEntry::kBzImage) throw Error("is an ELF file", "leave --kernel-entry out, or give the bzImage");
        kernel.open_elf_file();
        break;
      case KernelKind::kOther:
        throw Error(describe_other_file(head));
    }
  });
  return kernel;
}

void Kernel::open_elf_file() {
  protocol_ = Protocol::kPvh;
  elf_ = parse_elf(*file_);
  if (!elf_->pvh_entry) throw Error("is an ELF file without a PVH entry", "build it with CONFIG_PVH=y, or give the bzImage");
}

void Kernel::open_bzimage(std::span<const std::uint8_t> head, KernelEntry entry, bool use_cache) {
  bzimage_ = parse_bzimage(head, file_->size());
  protocol_ = Protocol::kLinuxBzImage;
  if (entry == KernelEntry::kBzImage) return;
  const auto magic = read_range(*file_, {bzimage_->payload.offset, std::min<std::uint64_t>(bzimage_->payload.size, 16)});
  const PayloadFormat format = detect_payload(magic);
  if (entry == KernelEntry::kAuto && !can_unpack(format)) {
    log::debug("kernel {}: payload is {}: it will unpack itself", path_, name(format));
    return;
  }
  protocol_ = Protocol::kLinuxElf;
  if (find_in_cache(use_cache)) return;
  unpack();
  if (elf_) return;
  if (entry == KernelEntry::kElf) throw Error("has no 64-bit ELF file inside", "start it with --kernel-entry bzimage");
  log::debug("kernel {}: no ELF file inside: it will unpack itself", path_);
  protocol_ = Protocol::kLinuxBzImage;
}

bool Kernel::find_in_cache(bool use_cache) {
  const auto directory = use_cache ? cache_directory() : std::nullopt;
  if (!directory) return false;
  cache_ = KernelCache::open(*directory);
  if (!cache_) return false;
  key_ = hash_file(*file_);
  cached_ = cache_->find(key_);
  if (!cached_) return false;
  try {
    elf_ = parse_elf(*cached_);
    came_from_cache_ = true;
    return true;
  } catch (const Error& error) {
    log::debug("kernel cache: the entry for {} {}", path_, error.what());
    cache_->discard(key_);
    cached_.reset();
    return false;
  }
}

void Kernel::unpack() {
  unpacked_ = unpack_payload(read_range(*file_, bzimage_->payload));
  unpacked_source_.emplace(unpacked_.bytes());
  std::array<std::uint8_t, 16> magic{};
  unpacked_source_->read(0, magic);
  if (detect_payload(magic) == PayloadFormat::kPlainElf) {
    elf_ = parse_elf(*unpacked_source_);
    if (elf_->is_64bit) return;
  }
  elf_.reset();
  unpacked_source_.reset();
  unpacked_ = {};
}

const ByteSource& Kernel::bytes() {
  if (protocol_ != Protocol::kLinuxElf) return *file_;
  if (unpacked_source_) return *unpacked_source_;
  if (cached_) return *cached_;
  naming("kernel " + path_, [&] {
    unpack();
    if (!unpacked_source_) throw Error("is another one than when it was opened", "start strait again");
  });
  return *unpacked_source_;
}

bool Kernel::is_unchanged() const {
  const timespec now = change_time(file_->fd());
  return now.tv_sec == changed_.tv_sec && now.tv_nsec == changed_.tv_nsec;
}

void Kernel::settle() {
  if (!unpacked_source_) return;
  // Somebody who writes to the file while it is read must not leave the wrong kernel behind.
  if (cache_ && !cached_ && is_unchanged()) cached_ = cache_->store(key_, unpacked_.bytes().first(elf_->file_end()));
  unpacked_source_.reset();
  unpacked_ = {};
}

}  // namespace strait::boot
