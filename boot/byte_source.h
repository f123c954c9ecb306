#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/error.h"
#include "base/unique_fd.h"

namespace strait::boot {

/// A part of a file: bytes from its start, and how many.
struct FileRange {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;

  friend bool operator==(const FileRange&, const FileRange&) = default;
};

/// Bytes that are read by position: a file, or a buffer that a file was unpacked into. Errors are phrased to follow the
/// name of what is read ("is truncated: ...").
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  virtual std::uint64_t size() const = 0;
  /// Fills `target` from `offset`. Throws Error where the source ends first or cannot be read.
  virtual void read(std::uint64_t offset, std::span<std::uint8_t> target) const = 0;
  /// The same into memory that is known to be zero: long runs of zeroes need not be written, so that pages that hold
  /// nothing are never touched.
  virtual void read_over_zeroes(std::uint64_t offset, std::span<std::uint8_t> target) const { read(offset, target); }

 protected:
  /// Throws Error unless [offset, offset + size) lies within the source.
  void check_bounds(std::uint64_t offset, std::uint64_t size) const;
};

/// Borrowed bytes.
class SpanSource final : public ByteSource {
 public:
  explicit SpanSource(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::uint64_t size() const override { return bytes_.size(); }
  void read(std::uint64_t offset, std::span<std::uint8_t> target) const override;
  void read_over_zeroes(std::uint64_t offset, std::span<std::uint8_t> target) const override;

 private:
  std::span<const std::uint8_t> bytes_;
};

/// The first `size` bytes of a regular file. Read, never mapped: a file that someone truncates meanwhile is an Error here and
/// would be a SIGBUS in a mapping.
class FileSource final : public ByteSource {
 public:
  FileSource(UniqueFd fd, std::uint64_t size) : fd_(std::move(fd)), size_(size) {}

  int fd() const { return fd_.get(); }
  std::uint64_t size() const override { return size_; }
  void read(std::uint64_t offset, std::span<std::uint8_t> target) const override;
  void read_over_zeroes(std::uint64_t offset, std::span<std::uint8_t> target) const override;

 private:
  UniqueFd fd_;
  std::uint64_t size_;
};

/// Runs `body` and returns what it returns; an Error that it throws gets `name` put in front of it.
template <typename Body>
decltype(auto) naming(const std::string& name, Body body) {
  try {
    return body();
  } catch (const Error& error) {
    throw Error(name + " " + error.what());
  }
}

/// Whether every byte is 0.
bool all_zero(std::span<const std::uint8_t> bytes);

}  // namespace strait::boot
