#include "base/cpu_set.h"

#include <sched.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <iterator>

#include <fmt/format.h>

namespace strait {
namespace {

constexpr unsigned kMaxCpus = 8192;  // the most that Linux has on x86
using Mask = std::array<cpu_set_t, kMaxCpus / CPU_SETSIZE>;

/// Takes a number from the front of `text`.
std::optional<unsigned> take_number(std::string_view& text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value >= kMaxCpus) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

bool take(std::string_view& text, char wanted) {
  if (!text.starts_with(wanted)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::optional<CpuSet> parse_cpu_list(std::string_view text) {
  CpuSet cpus;
  do {
    const auto first = take_number(text);
    const auto last = first && take(text, '-') ? take_number(text) : first;
    if (!first || !last || *last < *first) return std::nullopt;
    for (unsigned cpu = *first; cpu <= *last; ++cpu) cpus.insert(cpu);
  } while (take(text, ','));
  return text.empty() ? std::optional(std::move(cpus)) : std::nullopt;
}

std::string to_string(const CpuSet& cpus) {
  std::string text;
  for (auto at = cpus.begin(); at != cpus.end();) {
    const unsigned first = *at;
    unsigned last = first;
    while (++at != cpus.end() && *at == last + 1) ++last;
    if (!text.empty()) text += ',';
    text += last > first ? fmt::format("{}-{}", first, last) : fmt::format("{}", first);
  }
  return text;
}

CpuSet thread_affinity() {
  Mask mask{};
  CpuSet cpus;
  if (::sched_getaffinity(0, sizeof mask, mask.data()) != 0) return cpus;
  for (unsigned cpu = 0; cpu < kMaxCpus; ++cpu) {
    if (CPU_ISSET(cpu % CPU_SETSIZE, &mask[cpu / CPU_SETSIZE])) cpus.insert(cpu);
  }
  return cpus;
}

int set_thread_priority(int priority) {
  sched_param parameter = {};
  parameter.sched_priority = priority;
  return ::sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &parameter) == 0 ? 0 : -errno;
}

int set_thread_affinity(const CpuSet& cpus) {
  Mask mask{};
  for (const unsigned cpu : cpus) {
    if (cpu < kMaxCpus) CPU_SET(cpu % CPU_SETSIZE, &mask[cpu / CPU_SETSIZE]);
  }
  return ::sched_setaffinity(0, sizeof mask, mask.data()) == 0 ? 0 : -errno;
}

}  // namespace strait
