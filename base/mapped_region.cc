#include "base/mapped_region.h"

#include <cerrno>

#include "base/error.h"
#include "base/units.h"

namespace strait {
namespace {

/// Reserves address space with room for the alignment, gives back what is not needed, and returns the aligned start.
void* reserve_aligned(std::uint64_t size, std::uint64_t alignment, std::uint64_t phase) {
  const std::uint64_t room = size + alignment;
  void* reserved = ::mmap(nullptr, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) throw Error::from_errno(errno, "reserving " + std::to_string(room) + " bytes of address space");
  const auto base = reinterpret_cast<std::uint64_t>(reserved);
  std::uint64_t start = align_down(base, alignment) + (phase & (alignment - 1));
  if (start < base) start += alignment;
  if (start > base) ::munmap(reserved, start - base);
  if (const std::uint64_t tail = base + room - (start + size); tail > 0) {
    ::munmap(reinterpret_cast<void*>(start + size), tail);
  }
  return reinterpret_cast<void*>(start);
}

}  // namespace

MappedRegion::~MappedRegion() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

MappedRegion MappedRegion::anonymous(std::uint64_t size, std::uint64_t alignment, std::uint64_t phase) {
  MappedRegion region(reserve_aligned(size, alignment, phase), size);
  void* p = ::mmap(region.data_, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  if (p == MAP_FAILED) throw Error::from_errno(errno, "allocating " + std::to_string(size) + " bytes of memory");
  return region;
}

MappedRegion MappedRegion::shared(int fd, std::uint64_t offset, std::uint64_t size, int protection, std::uint64_t alignment,
                                  std::uint64_t phase) {
  MappedRegion region(reserve_aligned(size, alignment, phase), size);
  void* p = ::mmap(region.data_, size, protection, MAP_SHARED | MAP_FIXED, fd, static_cast<off_t>(offset));
  if (p == MAP_FAILED) throw Error::from_errno(errno, "mapping " + std::to_string(size) + " bytes shared with the kernel");
  return region;
}

MappedRegion MappedRegion::file(int fd, std::uint64_t size) {
  void* p = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (p == MAP_FAILED) throw Error::from_errno(errno, "mapping " + std::to_string(size) + " bytes of a file");
  return MappedRegion(p, size);
}

}  // namespace strait
