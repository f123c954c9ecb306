#include "cli/cpu_options.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "base/error.h"
#include "cli/amounts.h"

namespace strait {
namespace {

std::optional<std::uint32_t> parse_count(std::string_view text, std::uint32_t limit) {
  std::uint32_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const bool good = error == std::errc() && end == text.data() + text.size() && count >= 1 && count <= limit;
  return good ? std::optional(count) : std::nullopt;
}

UsageError wrong(const std::string& text, const std::string& why) {
  return UsageError(fmt::format("--cpus {}: {}", text, why), "give the number of processors, or how they are arranged, as in 8,sockets=2,cores=2,threads=2");
}

}  // namespace

Topology parse_cpus(const std::string& text) {
  std::string_view rest = text;
  const auto take_part = [&rest] {
    const std::size_t end = std::min(rest.find(','), rest.size());
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return part;
  };
  const auto cpus = parse_count(take_part(), kCpusMax);
  if (!cpus || text.ends_with(',')) {
    throw UsageError(fmt::format("--cpus {}: not a number of processors", text),
                     fmt::format("give 1 to {}; more would need x2APIC destinations", kCpusMax));
  }
  std::map<std::string_view, std::uint32_t> given;
  while (!rest.empty()) {
    const std::string_view part = take_part();
    const auto equals = part.find('=');
    const std::string_view key = part.substr(0, equals);
    if (equals == std::string_view::npos || (key != "sockets" && key != "cores" && key != "threads")) {
      throw wrong(text, fmt::format("'{}' is none of sockets=N, cores=N and threads=N", part));
    }
    const auto count = parse_count(part.substr(equals + 1), kCpusMax);
    if (!count) throw wrong(text, fmt::format("'{}' is no number of {}", part.substr(equals + 1), key));
    if (!given.emplace(key, *count).second) throw wrong(text, fmt::format("{} is given twice", key));
  }
  const auto count = [&given](std::string_view key, std::uint32_t otherwise) { return given.contains(key) ? given[key] : otherwise; };
  Topology topology;
  topology.threads = count("threads", 1);
  // What is left open takes the rest: cores, or where those are given, sockets.
  topology.sockets = count("sockets", given.contains("cores") ? std::max(1u, *cpus / (given["cores"] * topology.threads)) : 1);
  topology.cores = count("cores", std::max(1u, *cpus / (topology.sockets * topology.threads)));
  if (topology.cpus() != *cpus) {
    throw wrong(text, fmt::format("{} socket(s) of {} core(s) of {} thread(s) are {} processors", topology.sockets, topology.cores, topology.threads,
                                  topology.cpus()));
  }
  if (const std::uint32_t last = topology.apic_id(*cpus - 1); last > kCpusMax) {
    throw wrong(text, fmt::format("the last one's APIC id is {}, and more than {} would need x2APIC destinations", last, kCpusMax));
  }
  return topology;
}

int parse_priority(const std::string& text) {
  const auto priority = parse_count(text, 99);
  if (!priority) throw UsageError(fmt::format("--rt {}: not a real-time priority", text), "give 1 to 99");
  return static_cast<int>(*priority);
}

}  // namespace strait
