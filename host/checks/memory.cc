#include "host/checks/memory.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <map>
#include <string>
#include <system_error>
#include <vector>

#include "base/units.h"
#include "host/huge_page_pool.h"

namespace strait::host {
namespace fs = std::filesystem;
namespace {

constexpr const char* kLimitsFile = "/etc/security/limits.d/strait.conf";

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// "2M", "1G", "4096K".
std::string size(std::uint64_t bytes) {
  if (bytes % kGiB == 0) return fmt::format("{}G", bytes / kGiB);
  return bytes % kMiB == 0 ? fmt::format("{}M", bytes / kMiB) : fmt::format("{}K", bytes / kKiB);
}

}  // namespace

Check check_locked_memory(const HostView& host, std::uint64_t bytes) {
  Check check = {.kind = CheckKind::kMemlock, .name = "locked memory"};
  if (host.locked.capable) {
    check.finding = fmt::format("no limit for {} (CAP_IPC_LOCK)", host.user);
  } else if (host.locked.unlimited) {
    check.finding = "no limit";
  } else if (host.locked.allows(bytes)) {
    check.finding = fmt::format("{} for a guest of {}", size(host.locked.limit), size(bytes));
  } else {
    const std::uint64_t needed = bytes + host.locked.locked;
    check.status = Status::kFailed;
    check.finding = fmt::format("{}, too little for a guest of {}", size(host.locked.limit), size(bytes));
    check.cause = "VFIO pins the guest's memory for DMA, which counts against RLIMIT_MEMLOCK";
    check.remedy = memlock_remedy(needed, host.user) + ", and log in again";
    check.settings = {{kLimitsFile, fmt::format("{} - memlock {}", host.user, align_up(needed, kKiB) / kKiB)},
                      {"the [Service] part of the systemd unit that runs strait, if one does", fmt::format("LimitMEMLOCK={}", needed)}};
  }
  return check;
}

Check check_huge_pages(const HostView& host) {
  Check check = {.kind = CheckKind::kSpeed, .name = "huge pages", .status = Status::kNote};
  std::map<std::uint64_t, std::string> reserved;  // by size
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(host.sysfs / "kernel/mm/hugepages", error)) {
    const std::string name = entry.path().filename();
    const std::uint64_t bytes = number(std::string_view(name).substr(std::min(name.size(), name.find('-') + 1))) * kKiB;
    const auto pool = huge_page_pool(bytes, host.sysfs, host.procfs);
    if (!pool || pool->total + pool->overcommit == 0) continue;
    reserved[bytes] = fmt::format("{} of {} can be had ({} set apart)", pool->available(), size(bytes), pool->total);
  }
  std::vector<std::string> parts;
  for (const auto& [bytes, text] : reserved) parts.push_back(text);
  if (parts.empty()) parts.push_back("none reserved");
  const std::string transparent = host.read_sysfs("kernel/mm/transparent_hugepage/enabled").value_or("[never]");
  const bool never = transparent.find("[never]") != std::string::npos;
  parts.push_back(never ? "transparent ones off" : "transparent ones on");
  if (reserved.empty() && never) {
    check.remedy = "for speed: echo madvise > /sys/kernel/mm/transparent_hugepage/enabled";
  } else if (!never) {
    check.status = Status::kOk;
  }
  check.finding = fmt::format("{}", fmt::join(parts, ", "));
  return check;
}

}  // namespace strait::host
