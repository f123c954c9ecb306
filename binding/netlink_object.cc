#include "binding/netlink_object.h"

#include <charconv>

#include <fmt/format.h>

namespace strait::binding {

std::string to_hex(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

Bytes from_hex(const std::string& text) {
  Bytes bytes;
  for (std::size_t at = 0; at < text.size(); at += 2) {
    const char* const digits = text.data() + at;
    std::uint8_t byte = 0;
    const auto [end, error] = std::from_chars(digits, digits + std::min<std::size_t>(2, text.size() - at), byte, 16);
    if (error != std::errc() || end != digits + 2) throw Error("the record of an interface's configuration is damaged");
    bytes.push_back(byte);
  }
  return bytes;
}

}  // namespace strait::binding
