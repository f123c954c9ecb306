#pragma once

#include <string>
#include <string_view>

namespace strait::host {

/// `text` without control characters, which a terminal would obey: for words that others chose, such as the name of a process or what a
/// file says.
inline std::string printable(std::string_view text) {
  std::string kept(text);
  std::erase_if(kept, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
  return kept;
}

}  // namespace strait::host
