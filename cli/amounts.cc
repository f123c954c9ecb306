#include "cli/amounts.h"

#include <charconv>
#include <system_error>

#include <fmt/format.h>

#include "base/error.h"

namespace strait {

std::optional<std::uint64_t> parse_number(std::string_view text) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  if (hex) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::uint64_t parse_memory_size(const std::string& text) {
  constexpr std::string_view kSuffixes = "KMGT";
  const auto fail = [&text](const std::string& why) -> UsageError {
    return UsageError(fmt::format("--memory {}: {}", text, why), "give a size such as 512M or 4G");
  };
  std::string_view digits = text;
  std::uint64_t unit = kMiB;
  if (!digits.empty()) {
    const auto suffix = kSuffixes.find(static_cast<char>(digits.back() & ~0x20));
    if (suffix != std::string_view::npos) {
      unit = 1ull << (10 * (suffix + 1));
      digits.remove_suffix(1);
    }
  }
  const auto number = parse_number(digits);
  if (!number || digits.starts_with("0x")) throw fail("not a size");
  if (*number > kMemoryMax / unit) throw fail("more than any processor can address");
  const std::uint64_t size = *number * unit;
  if (size < kMemoryMin) throw fail(fmt::format("too little, a guest needs at least {} MiB", kMemoryMin / kMiB));
  if (!is_aligned(size, kPageSize)) throw fail("not a multiple of 4K");
  return size;
}

}  // namespace strait
