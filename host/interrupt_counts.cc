#include "host/interrupt_counts.h"

#include <algorithm>
#include <cctype>
#include <sstream>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/syscall.h"

namespace strait::host {
namespace {

/// The counts of a line's processors: the numbers between its name and the first word that is none.
std::uint64_t sum_of(const std::string& line) {
  std::istringstream words(line);
  std::string word;
  words >> word;
  std::uint64_t sum = 0;
  // A number of 19 digits fits into 64 bits.
  while (words >> word && word.size() < 20 && std::ranges::all_of(word, [](unsigned char c) { return std::isdigit(c) != 0; })) sum += std::stoull(word);
  return sum;
}

}  // namespace

std::optional<std::uint64_t> count_vfio_interrupts(std::string_view interrupts, const Bdf& bdf) {
  const std::string address = fmt::format("({})", bdf.to_string());
  std::uint64_t count = 0;
  std::istringstream lines{std::string(interrupts)};
  for (std::string line; std::getline(lines, line);) {
    if (line.find("vfio-") == std::string::npos || line.find(address) == std::string::npos) continue;
    // The names of those that share a line are separated by commas.
    if (line.find(", ") != std::string::npos) return std::nullopt;
    count += sum_of(line);
  }
  return count;
}

std::optional<std::string> read_interrupts(const std::filesystem::path& procfs) {
  try {
    std::string text = read_text_file(procfs / "interrupts");
    // Its first line names the processors that are on.
    const bool masked = std::string_view(text).substr(0, text.find('\n')).find("CPU") == std::string_view::npos;
    return masked ? std::nullopt : std::optional(std::move(text));
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::optional<std::uint64_t> vfio_interrupts(const Bdf& bdf, const std::filesystem::path& procfs) {
  const auto text = read_interrupts(procfs);
  return text ? count_vfio_interrupts(*text, bdf) : std::nullopt;
}

}  // namespace strait::host
