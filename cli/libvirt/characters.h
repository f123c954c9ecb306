#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace strait::libvirt {

/// Where `text` is not UTF-8, or has a character that XML does not (https://www.w3.org/TR/xml/#charsets). Pure.
std::optional<std::size_t> find_invalid_character(std::string_view text);

/// A piece of XML that looks like &this;
struct Reference {
  std::size_t offset = 0;
  std::string text;
};

/// The first in a value of `document` that stands for nothing: it is none of XML's five entities, nor the number of a character that XML
/// has. pugixml leaves the one as it stands, and makes a NUL or no UTF-8 of the other. `document` is one that it can parse. Pure.
std::optional<Reference> find_invalid_reference(std::string document);

}  // namespace strait::libvirt
