#pragma once

#include <sys/mman.h>

#include <cstdint>
#include <span>
#include <utility>

namespace strait {

/// Owns a memory mapping; unmaps it when it goes.
class MappedRegion {
 public:
  MappedRegion() = default;
  MappedRegion(MappedRegion&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  MappedRegion& operator=(MappedRegion&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~MappedRegion();

  /// Anonymous private memory, zero-filled on first touch, at a host address that is `phase` modulo `alignment` (a power
  /// of two of at least a page). Throws Error.
  static MappedRegion anonymous(std::uint64_t size, std::uint64_t alignment, std::uint64_t phase = 0);

  /// `size` bytes of `fd` from `offset`, shared, with `protection` (PROT_*), at a host address that is `phase` modulo
  /// `alignment`. Throws Error.
  static MappedRegion shared(int fd, std::uint64_t offset, std::uint64_t size, int protection, std::uint64_t alignment,
                             std::uint64_t phase = 0);

  /// A whole file of `size` bytes, private and read-only. Throws Error.
  static MappedRegion file(int fd, std::uint64_t size);

  std::uint8_t* data() const { return data_; }
  std::uint64_t size() const { return size_; }
  std::span<std::uint8_t> bytes() const { return {data_, size_}; }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  MappedRegion(void* data, std::uint64_t size) : data_(static_cast<std::uint8_t*>(data)), size_(size) {}

  std::uint8_t* data_ = nullptr;
  std::uint64_t size_ = 0;
};

}  // namespace strait
