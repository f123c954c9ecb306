#include "boot/kernel_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/log.h"
#include "base/syscall.h"
#include "base/units.h"

namespace strait::boot {
namespace {

constexpr std::string_view kSuffix = ".elf";
constexpr std::string_view kTemporaryPrefix = "new.";
/// A temporary file this old was left by a process that was killed.
constexpr std::time_t kTemporaryAge = 3600;

/// Follows the ELF's bytes, so that an entry is still a file that readelf understands.
struct Trailer {
  std::array<char, 8> magic;
  std::array<std::uint64_t, 2> key;
  std::uint64_t elf_size;
  std::array<std::uint64_t, 2> content;
  /// The boot of the host in which the content was last known to be whole.
  std::array<char, 40> boot_id;

  static constexpr std::array<char, 8> kMagic{'s', 't', 'r', 'a', 'i', 't', 'K', '1'};
};
static_assert(sizeof(Trailer) == 88);

std::array<char, 40> host_boot_id() {
  std::array<char, 40> id{};
  try {
    const std::string text = read_text_file("/proc/sys/kernel/random/boot_id");
    std::copy_n(text.begin(), std::min(text.size(), id.size()), id.begin());
  } catch (const Error&) {
    // Without it every use verifies the content.
  }
  return id;
}

bool pwrite_all(int fd, std::span<const std::uint8_t> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    offset += static_cast<std::uint64_t>(n);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

/// Writes everything but whole pages of zeroes, which become holes. The file is empty before.
bool pwrite_sparse(int fd, std::span<const std::uint8_t> bytes) {
  const auto page_at = [&](std::size_t offset) {
    return bytes.subspan(offset, std::min<std::size_t>(kPageSize, bytes.size() - offset));
  };
  for (std::size_t at = 0; at < bytes.size();) {
    std::size_t end = at;
    while (end < bytes.size() && !all_zero(page_at(end))) end += page_at(end).size();
    if (end > at && !pwrite_all(fd, bytes.subspan(at, end - at), at)) return false;
    at = end < bytes.size() ? end + page_at(end).size() : end;
  }
  return true;
}

std::span<const std::uint8_t> bytes_of(const Trailer& trailer) {
  return {reinterpret_cast<const std::uint8_t*>(&trailer), sizeof trailer};
}

std::optional<ContentKey> hash_source(const ByteSource& source) {
  constexpr std::uint64_t kChunk = 256 * kKiB;
  std::vector<std::uint8_t> buffer(std::min(kChunk, source.size()));
  ContentHash hash;
  try {
    for (std::uint64_t at = 0; at < source.size(); at += buffer.size()) {
      const auto part = std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), source.size() - at));
      source.read(at, part);
      hash.update(part);
    }
  } catch (const Error&) {
    return std::nullopt;
  }
  return hash.finish();
}

/// Creates every missing directory of `path`, closed to others.
void make_directories(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    ::mkdir(path.substr(0, slash).c_str(), 0700);
  }
  ::mkdir(path.c_str(), 0700);
}

std::string entry_name(const ContentKey& key) { return key.hex() + std::string(kSuffix); }

const char* environment(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

}  // namespace

std::optional<std::string> cache_directory() {
  if (const char* own = environment("STRAIT_CACHE")) return own;
  if (const char* xdg = environment("XDG_CACHE_HOME")) return std::string(xdg) + "/strait";
  if (const char* home = environment("HOME")) return std::string(home) + "/.cache/strait";
  return std::nullopt;
}

std::optional<KernelCache> KernelCache::open(const std::string& directory) {
  const std::string path = directory + "/kernels";
  make_directories(path);
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0) {
    log::debug("no kernel cache: opening {}: {}", path, std::strerror(errno));
    return std::nullopt;
  }
  if (status.st_uid != ::geteuid() || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    log::warning("not using the kernel cache {}: others could write it; make it yours alone: chown {} and chmod 700", path,
                 ::geteuid());
    return std::nullopt;
  }
  return KernelCache(std::move(fd));
}

std::unique_ptr<FileSource> KernelCache::find(const ContentKey& key) const {
  const std::string name = entry_name(key);
  UniqueFd fd(::openat(directory_.get(), name.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return nullptr;
  const auto damaged = [&](const char* why) {
    log::debug("kernel cache: deleting {}: {}", name, why);
    discard(key);
    return nullptr;
  };

  struct stat status {};
  if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid != ::geteuid()) return damaged("not our file");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size < sizeof(Trailer)) return damaged("too short");
  const std::uint64_t elf_size = size - sizeof(Trailer);
  Trailer trailer{};
  if (::pread(fd.get(), &trailer, sizeof trailer, static_cast<off_t>(elf_size)) != sizeof trailer) return damaged("unreadable");
  if (trailer.magic != Trailer::kMagic || trailer.key != key.value || trailer.elf_size != elf_size) return damaged("truncated");

  auto source = std::make_unique<FileSource>(std::move(fd), elf_size);
  const auto boot_id = host_boot_id();
  if (boot_id[0] == '\0' || trailer.boot_id != boot_id) {
    const auto content = hash_source(*source);
    if (!content || content->value != trailer.content) return damaged("its checksum is wrong");
    trailer.boot_id = boot_id;
    pwrite_all(source->fd(), bytes_of(trailer), elf_size);
  }
  ::futimens(source->fd(), nullptr);
  return source;
}

bool KernelCache::write_entry(int fd, const ContentKey& key, std::span<const std::uint8_t> elf) const {
  const Trailer trailer{Trailer::kMagic, key.value, elf.size(), hash_content(elf).value, host_boot_id()};
  return pwrite_sparse(fd, elf) && pwrite_all(fd, bytes_of(trailer), elf.size());
}

std::unique_ptr<FileSource> KernelCache::store(const ContentKey& key, std::span<const std::uint8_t> elf) const {
  static std::atomic<unsigned> counter = 0;
  const std::string temporary = fmt::format("{}{}.{}", kTemporaryPrefix, ::getpid(), counter++);
  const std::string name = entry_name(key);
  UniqueFd fd(::openat(directory_.get(), temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) {
    log::debug("kernel cache: creating {}: {}", temporary, std::strerror(errno));
    return nullptr;
  }
  if (!write_entry(fd.get(), key, elf) || ::renameat(directory_.get(), temporary.c_str(), directory_.get(), name.c_str()) != 0) {
    log::debug("kernel cache: writing {}: {}", name, std::strerror(errno));
    ::unlinkat(directory_.get(), temporary.c_str(), 0);
    return nullptr;
  }
  prune();
  return std::make_unique<FileSource>(std::move(fd), elf.size());
}

void KernelCache::discard(const ContentKey& key) const { ::unlinkat(directory_.get(), entry_name(key).c_str(), 0); }

void KernelCache::prune() const {
  struct Entry {
    std::string name;
    timespec used;
  };
  std::vector<Entry> entries;
  // openat, not dup: the copy would share its position with every later listing.
  const int fd = ::openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  DIR* const listing = ::fdopendir(fd);
  if (listing == nullptr) {
    ::close(fd);
    return;
  }
  while (const dirent* const item = ::readdir(listing)) {
    const std::string_view name = item->d_name;
    struct stat status {};
    if (::fstatat(directory_.get(), item->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (name.ends_with(kSuffix)) entries.push_back({std::string(name), status.st_mtim});
    if (name.starts_with(kTemporaryPrefix) && status.st_mtim.tv_sec + kTemporaryAge < std::time(nullptr)) {
      ::unlinkat(directory_.get(), item->d_name, 0);
    }
  }
  ::closedir(listing);
  std::ranges::sort(entries, [](const Entry& a, const Entry& b) {
    return std::pair(a.used.tv_sec, a.used.tv_nsec) > std::pair(b.used.tv_sec, b.used.tv_nsec);
  });
  for (std::size_t i = kEntriesMax; i < entries.size(); ++i) ::unlinkat(directory_.get(), entries[i].name.c_str(), 0);
}

}  // namespace strait::boot
