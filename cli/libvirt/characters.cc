#include "cli/libvirt/characters.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>

#include <pugixml.hpp>

namespace strait::libvirt {
namespace {

bool is_character(std::uint32_t code) {
  return code == '\t' || code == '\n' || code == '\r' || (code >= 0x20 && code < 0xd800) || (code >= 0xe000 && code < 0xfffe) ||
         (code >= 0x10000 && code < 0x110000);
}

/// How many bytes the first character has; 0 where it is none.
std::size_t size_of_character(std::string_view text) {
  constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};  // what fewer bytes can say has fewer
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf8 ? 4 : 0;
  if (size == 0 || size > text.size()) return 0;
  std::uint32_t code = size == 1 ? lead : lead & (0x7fu >> size);
  for (const char c : text.substr(1, size - 1)) {
    if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) return 0;
    code = code << 6 | (static_cast<unsigned char>(c) & 0x3f);
  }
  return code >= kLeast[size] && is_character(code) ? size : 0;
}

/// `name` is what stands between & and ;
bool stands_for_a_character(std::string_view name) {
  constexpr std::string_view kEntities[] = {"amp", "lt", "gt", "quot", "apos"};
  if (!name.starts_with('#')) return std::ranges::find(kEntities, name) != std::end(kEntities);
  const bool hex = name.starts_with("#x");
  const std::string_view digits = name.substr(hex ? 2 : 1);
  std::uint32_t code = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, hex ? 16 : 10);
  return error == std::errc() && end == digits.data() + digits.size() && is_character(code);
}

/// Looks at the values, of which nothing is decoded yet.
struct Values : pugi::xml_tree_walker {
  explicit Values(const std::string& document) : start(document.data()) {}

  bool for_each(pugi::xml_node& node) override {
    check(node.value());
    for (const pugi::xml_attribute& attribute : node.attributes()) check(attribute.value());
    return !found;
  }

  void check(std::string_view value) {
    for (auto at = value.find('&'); at != value.npos && !found; at = value.find('&', at + 1)) {
      const std::string_view rest = value.substr(at);
      const auto end = std::min(rest.find_first_of("; \t\r\n", 1), rest.size());
      const bool closed = end < rest.size() && rest[end] == ';';
      if (closed && stands_for_a_character(rest.substr(1, end - 1))) continue;
      found = Reference{static_cast<std::size_t>(rest.data() - start), std::string(rest.substr(0, end + (closed ? 1 : 0)))};
    }
  }

  const char* start;
  std::optional<Reference> found;
};

}  // namespace

std::optional<std::size_t> find_invalid_character(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t size = size_of_character(text.substr(at));
    if (size == 0) return at;
    at += size;
  }
  return std::nullopt;
}

std::optional<Reference> find_invalid_reference(std::string document) {
  pugi::xml_document tree;
  // Comments and CDATA sections, which have no references, are no part of this tree.
  tree.load_buffer_inplace(document.data(), document.size(), pugi::parse_minimal, pugi::encoding_utf8);
  Values values(document);
  tree.traverse(values);
  return values.found;
}

}  // namespace strait::libvirt
