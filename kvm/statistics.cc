#include "kvm/statistics.h"

#include <unistd.h>

#include <vector>
#include "kvm/uapi.h"

namespace strait::kvm {
namespace {

bool read_at(int fd, void* to, std::size_t size, std::uint64_t offset) {
  return ::pread(fd, to, size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
}

}  // namespace

std::map<std::string, std::uint64_t> read_statistics(int fd) {
  std::map<std::string, std::uint64_t> values;
  kvm_stats_header header = {};
  if (fd < 0 || !read_at(fd, &header, sizeof header, 0) || header.name_size == 0 || header.name_size > 256) return values;
  const std::size_t descriptor_size = sizeof(kvm_stats_desc) + header.name_size;
  std::vector<char> descriptor(descriptor_size + 1);
  for (std::uint32_t i = 0; i < header.num_desc; ++i) {
    if (!read_at(fd, descriptor.data(), descriptor_size, header.desc_offset + i * descriptor_size)) return values;
    const auto* fields = reinterpret_cast<const kvm_stats_desc*>(descriptor.data());
    std::uint64_t value = 0;
    if (fields->size != 1 || !read_at(fd, &value, sizeof value, header.data_offset + fields->offset)) continue;
    values[fields->name] = value;
  }
  return values;
}

}  // namespace strait::kvm
