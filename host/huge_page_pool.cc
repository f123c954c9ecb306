#include "host/huge_page_pool.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/syscall.h"
#include "base/units.h"

namespace strait::host {
namespace fs = std::filesystem;
namespace {

/// The number that `text` begins with, behind blanks.
std::uint64_t number(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// What a file of sysfs or procfs says, empty where it cannot be read.
std::string text_of(const fs::path& file) {
  try {
    return read_text_file(file);
  } catch (const Error&) {
    return {};
  }
}

std::string directory_name(std::uint64_t page_size) { return fmt::format("hugepages-{}kB", page_size / kKiB); }

std::string size_name(std::uint64_t page_size) {
  return page_size % kGiB == 0 ? fmt::format("{}G", page_size / kGiB) : fmt::format("{}M", page_size / kMiB);
}

std::map<unsigned, std::uint64_t> free_on_nodes(std::uint64_t page_size, const fs::path& sysfs) {
  std::map<unsigned, std::uint64_t> nodes;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(sysfs / "devices/system/node", error)) {
    const std::string name = entry.path().filename();
    const fs::path file = entry.path() / "hugepages" / directory_name(page_size) / "free_hugepages";
    if (name.starts_with("node") && fs::exists(file, error)) {
      nodes[static_cast<unsigned>(number(name.substr(4)))] = number(text_of(file));
    }
  }
  return nodes;
}

/// How to have `total` pages.
std::string remedy(const HugePagePool& pool, std::uint64_t total) {
  const std::string write = fmt::format("echo {} >/sys/kernel/mm/hugepages/{}/nr_hugepages", total, directory_name(pool.page_size));
  if (pool.page_size >= kGiB) {
    return fmt::format("boot the host with hugepagesz={} hugepages={} on its kernel command line, or try '{}'", size_name(pool.page_size), total,
                       write);
  }
  return fmt::format("'{}' makes them, if memory is not too fragmented", pool.is_default ? fmt::format("sysctl vm.nr_hugepages={}", total) : write);
}

/// Nobody reserves pages on one node: those that are free there are all that can be said.
void check_node(const HugePagePool& pool, std::uint64_t needed, unsigned node, const fs::path& sysfs) {
  const auto found = pool.free_on_nodes.find(node);
  if (found == pool.free_on_nodes.end() || needed <= found->second) return;
  const fs::path file = fmt::format("devices/system/node/node{}/hugepages/{}/nr_hugepages", node, directory_name(pool.page_size));
  throw Error(fmt::format("the guest's memory takes {} huge pages of {}, but NUMA node {} has only {} free", needed, size_name(pool.page_size), node,
                          found->second),
              fmt::format("'echo {} >/sys/{}' makes them, if memory is not too fragmented", number(text_of(sysfs / file)) + needed - found->second,
                          file.string()));
}

}  // namespace

std::optional<HugePagePool> huge_page_pool(std::uint64_t page_size, const fs::path& sysfs, const fs::path& procfs) {
  const fs::path directory = sysfs / "kernel/mm/hugepages" / directory_name(page_size);
  std::error_code error;
  if (!fs::exists(directory, error)) return std::nullopt;
  const auto count = [&directory](const char* name) { return number(text_of(directory / name)); };
  const std::uint64_t allowed = count("nr_overcommit_hugepages"), made = count("surplus_hugepages");
  const std::string meminfo = text_of(procfs / "meminfo");
  const auto size = meminfo.find("\nHugepagesize:");
  return HugePagePool{.page_size = page_size,
                      .is_default = size != std::string::npos && number(std::string_view(meminfo).substr(size + 14)) * kKiB == page_size,
                      .total = count("nr_hugepages"),
                      .free = count("free_hugepages"),
                      .promised = count("resv_hugepages"),
                      .overcommit = allowed - std::min(allowed, made),
                      .free_on_nodes = free_on_nodes(page_size, sysfs)};
}

void check_huge_page_pool(std::uint64_t bytes, std::uint64_t page_size, std::optional<unsigned> node, const fs::path& sysfs,
                          const fs::path& procfs) {
  const auto pool = huge_page_pool(page_size, sysfs, procfs);
  if (!pool) {
    throw Error(fmt::format("this host has no huge pages of {}", size_name(page_size)),
                page_size >= kGiB ? "its processor must have pdpe1gb; --hugepages 2M may do" : "--hugepages thp needs none that were set apart");
  }
  const std::uint64_t needed = bytes / page_size, available = pool->available();
  if (node && needed <= available) check_node(*pool, needed, *node, sysfs);
  if (needed <= available) return;
  std::vector<std::string> nodes;
  for (const auto& [one, free] : pool->free_on_nodes) nodes.push_back(fmt::format("{} on node {}", free, one));
  throw Error(fmt::format("the guest's memory takes {} huge pages of {}, but this host has only {} that can be had{}", needed,
                          size_name(page_size), available, nodes.size() > 1 ? fmt::format(" (free: {})", fmt::join(nodes, ", ")) : ""),
              remedy(*pool, pool->total + needed - available));
}

}  // namespace strait::host
