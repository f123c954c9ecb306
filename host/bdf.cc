#include "host/bdf.h"

#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "base/error.h"

namespace strait::host {
namespace {

/// A hexadecimal number of 1 to `digits` digits, at most `limit`.
std::optional<std::uint32_t> hex(std::string_view text, std::size_t digits, std::uint32_t limit) {
  std::uint32_t value = 0;
  if (text.empty() || text.size() > digits) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size() || value > limit) return std::nullopt;
  return value;
}

std::optional<Bdf> parse_parts(std::string_view text) {
  const auto dot = text.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto colon = text.rfind(':', dot);
  if (colon == std::string_view::npos) return std::nullopt;
  const auto domain_colon = colon == 0 ? std::string_view::npos : text.rfind(':', colon - 1);
  const bool has_domain = domain_colon != std::string_view::npos;

  const auto domain = has_domain ? hex(text.substr(0, domain_colon), 8, 0xffffffff) : std::optional<std::uint32_t>(0);
  const auto bus_start = has_domain ? domain_colon + 1 : 0;
  const auto bus = hex(text.substr(bus_start, colon - bus_start), 2, 0xff);
  const auto device = hex(text.substr(colon + 1, dot - colon - 1), 2, 0x1f);
  const auto function = hex(text.substr(dot + 1), 1, 7);
  if (!domain || !bus || !device || !function) return std::nullopt;
  return Bdf{*domain, static_cast<std::uint8_t>(*bus), static_cast<std::uint8_t>(*device), static_cast<std::uint8_t>(*function)};
}

}  // namespace

Bdf Bdf::parse(std::string_view text) {
  std::string_view last = text;
  while (last.ends_with('/')) last.remove_suffix(1);
  if (const auto slash = last.rfind('/'); slash != std::string_view::npos) last.remove_prefix(slash + 1);
  if (const auto bdf = parse_parts(last)) return *bdf;
  throw UsageError(fmt::format("'{}' is no PCI address", text), "write it as 0000:01:10.0, 01:10.0 or /sys/bus/pci/devices/0000:01:10.0");
}

std::string Bdf::to_string() const { return fmt::format("{:04x}:{:02x}:{:02x}.{:x}", domain, bus, device, function); }

}  // namespace strait::host
