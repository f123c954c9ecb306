#include "cli/libvirt/values.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "base/units.h"

namespace strait::libvirt {
namespace {

std::optional<std::uint64_t> parse_digits(std::string_view digits, int base) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  return error == std::errc() && end == digits.data() + digits.size() ? std::optional(value) : std::nullopt;
}

std::string in_small_letters(std::string_view text) {
  std::string small(text);
  std::ranges::transform(small, small.begin(), [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  return small;
}

std::uint64_t scaled(const Element& element, const std::string& number) {
  std::string unit = element.attribute_or("unit", "");
  if (unit.empty()) unit = "KiB";
  const auto factor = parse_unit(unit);
  if (!factor)
    throw element.error(fmt::format("unit='{}' is no unit of memory", shown(unit)), "give KiB, MiB, GiB or another that libvirt has");
  const auto value = parse_decimal(number);
  if (!value) throw element.error(fmt::format("'{}' is no amount of memory", shown(number)), "give a whole number");
  if (*value > std::numeric_limits<std::uint64_t>::max() / *factor) {
    throw element.error(fmt::format("{} {} is more than any processor can address", *value, unit), "give less");
  }
  return *value * *factor;
}

unsigned part_of(const Element& address, const char* name, std::uint64_t limit) {
  const auto text = address.attribute(name);
  if (!text) return 0;
  const auto value = parse_c_number(*text);
  if (!value || *value > limit) {
    throw address.error(fmt::format("{}='{}' is no {} of a PCI address", name, shown(*text), name), fmt::format("give 0 to {:#x}", limit));
  }
  return static_cast<unsigned>(*value);
}

}  // namespace

std::optional<std::uint64_t> parse_decimal(std::string_view text) { return parse_digits(text, 10); }

std::optional<std::uint64_t> parse_c_number(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) return parse_digits(text.substr(2), 16);
  return parse_digits(text, text.starts_with('0') && text.size() > 1 ? 8 : 10);
}

std::optional<std::uint64_t> parse_unit(std::string_view unit) {
  const std::string small = in_small_letters(unit);
  if (small == "b" || small == "byte" || small == "bytes") return 1;
  const auto power = std::string_view("kmgtpe").find(small.substr(0, 1));
  if (small.empty() || power == std::string_view::npos) return std::nullopt;
  const std::string_view rest = std::string_view(small).substr(1);
  if (!rest.empty() && rest != "b" && rest != "ib") return std::nullopt;
  std::uint64_t factor = 1;
  for (std::size_t i = 0; i <= power; ++i) factor *= rest == "b" ? 1000 : 1024;
  return factor;
}

std::uint64_t memory_of(const Element& element) { return scaled(element, element.text()); }

std::uint64_t memory_of(const Element& element, const char* attribute) { return scaled(element, element.attribute_or(attribute, "")); }

std::string in_units(std::uint64_t size) {
  constexpr std::pair<std::uint64_t, char> kUnits[] = {{1ull << 40, 'T'}, {kGiB, 'G'}, {kMiB, 'M'}};
  for (const auto& [unit, letter] : kUnits) {
    if (size % unit == 0) return fmt::format("{}{}", size / unit, letter);
  }
  return fmt::format("{}K", size / kKiB);
}

PciAddress pci_address_of(const Element& address) {
  return {{part_of(address, "domain", 0xffffffff), static_cast<std::uint8_t>(part_of(address, "bus", 0xff)),
           static_cast<std::uint8_t>(part_of(address, "slot", 0x1f)), static_cast<std::uint8_t>(part_of(address, "function", 7))}};
}

std::string mac_of(const Element& mac) {
  constexpr std::string_view kForm = "xx:xx:xx:xx:xx:xx";
  const std::string text = in_small_letters(mac.attribute_or("address", ""));
  const auto fits = [](char form, char c) { return form == ':' ? c == ':' : std::isxdigit(static_cast<unsigned char>(c)) != 0; };
  if (!std::ranges::equal(kForm, text, fits)) {
    throw mac.error(fmt::format("address='{}' is no MAC address", shown(text)), "give six bytes, such as 52:54:00:6d:90:02");
  }
  if ((*parse_digits(std::string_view(text).substr(0, 2), 16) & 1) != 0) {
    throw mac.error(fmt::format("address='{}' is of a group, not of one card", text), "give one whose first byte is even");
  }
  if (text == "00:00:00:00:00:00") throw mac.error("address='00:00:00:00:00:00' is none", "give one, or take the element out");
  return text;
}

unsigned vlan_id_of(const Element& tag) {
  constexpr std::uint64_t kLast = 4094;
  const std::string text = tag.attribute_or("id", "");
  const auto id = parse_decimal(text);
  if (!id || *id > kLast)
    throw tag.error(fmt::format("id='{}' is no VLAN", shown(text)), fmt::format("give 1 to {}, or 0 for none", kLast));
  return static_cast<unsigned>(*id);
}

void check_is_line(const Element& element, std::string_view value) {
  if (std::ranges::any_of(value, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
    throw element.error(fmt::format("'{}' is not one line of text", shown(value)), "write it in one line");
  }
}

std::string line_of(const Element& element) {
  std::string text = element.text();
  check_is_line(element, text);
  return text;
}

}  // namespace strait::libvirt
