#include "boot/byte_source.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/units.h"

namespace strait::boot {

bool all_zero(std::span<const std::uint8_t> bytes) {
  // A range is all zero when its first byte is and it equals itself shifted by one: memcmp is the fastest loop there is.
  return bytes.empty() || (bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

void ByteSource::check_bounds(std::uint64_t offset, std::uint64_t size) const {
  if (offset > this->size() || size > this->size() - offset) {
    throw Error(fmt::format("is truncated: {} bytes are needed from offset {}, the file has {}", size, offset, this->size()));
  }
}

void SpanSource::read(std::uint64_t offset, std::span<std::uint8_t> target) const {
  check_bounds(offset, target.size());
  std::ranges::copy(bytes_.subspan(offset, target.size()), target.begin());
}

void SpanSource::read_over_zeroes(std::uint64_t offset, std::span<std::uint8_t> target) const {
  check_bounds(offset, target.size());
  for (std::uint64_t at = 0; at < target.size(); at += kPageSize) {
    const auto page = bytes_.subspan(offset + at, std::min<std::uint64_t>(kPageSize, target.size() - at));
    if (!all_zero(page)) std::ranges::copy(page, target.begin() + static_cast<std::ptrdiff_t>(at));
  }
}

void FileSource::read(std::uint64_t offset, std::span<std::uint8_t> target) const {
  check_bounds(offset, target.size());
  while (!target.empty()) {
    const ssize_t n = ::pread(fd_.get(), target.data(), target.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw Error(fmt::format("cannot be read: {}", std::strerror(errno)));
    if (n == 0) throw Error(fmt::format("is truncated: it had {} bytes when it was opened and ends at {} now", size_, offset));
    offset += static_cast<std::uint64_t>(n);
    target = target.subspan(static_cast<std::size_t>(n));
  }
}

void FileSource::read_over_zeroes(std::uint64_t offset, std::span<std::uint8_t> target) const {
  check_bounds(offset, target.size());
  const std::uint64_t end = offset + target.size();
  for (std::uint64_t at = offset; at < end;) {
    const off_t data = ::lseek(fd_.get(), static_cast<off_t>(at), SEEK_DATA);
    if (data < 0 && errno == ENXIO) return;  // a hole up to the end of the file
    const off_t hole = data < 0 ? -1 : ::lseek(fd_.get(), data, SEEK_HOLE);
    if (hole < 0) return read(at, target.subspan(at - offset));  // a file system without holes
    const std::uint64_t from = std::min(static_cast<std::uint64_t>(data), end);
    const std::uint64_t to = std::min(static_cast<std::uint64_t>(hole), end);
    read(from, target.subspan(from - offset, to - from));
    at = to;
  }
}

}  // namespace strait::boot
