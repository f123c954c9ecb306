#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace strait::host {

/// The huge pages of one size that were set apart on this host (hugetlb; Documentation/admin-guide/mm/hugetlbpage.rst).
struct HugePagePool {
  std::uint64_t page_size = 0;
  bool is_default = false;        ///< the size that sysctl vm.nr_hugepages is about
  std::uint64_t total = 0;        ///< there are
  std::uint64_t free = 0;         ///< and nobody has
  std::uint64_t promised = 0;     ///< of the free ones, those that somebody reserved
  std::uint64_t overcommit = 0;   ///< more that the kernel may make when they are asked for
  std::map<unsigned, std::uint64_t> free_on_nodes;

  /// Those that can be had.
  std::uint64_t available() const { return free - (promised < free ? promised : free) + overcommit; }
};

/// That of pages of `page_size` bytes; nothing where this host has no such pages.
std::optional<HugePagePool> huge_page_pool(std::uint64_t page_size, const std::filesystem::path& sysfs = "/sys",
                                           const std::filesystem::path& procfs = "/proc");

/// Throws Error unless `bytes` can be had in pages of `page_size` bytes, on NUMA node `node` where that is given. The message says how many
/// that takes, how many there are, on which NUMA nodes, and the command that makes enough of them.
void check_huge_page_pool(std::uint64_t bytes, std::uint64_t page_size, std::optional<unsigned> node = {}, const std::filesystem::path& sysfs = "/sys",
                          const std::filesystem::path& procfs = "/proc");

}  // namespace strait::host
