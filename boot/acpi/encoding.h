#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

/// How AML is spelt (ACPI 6.5, 20.2): for those who make it at run time.
namespace strait::boot::acpi {

using Bytes = std::vector<std::uint8_t>;

inline constexpr std::uint8_t kOneOp = 0x01;
inline constexpr std::uint8_t kNameOp = 0x08;
inline constexpr std::uint8_t kBytePrefix = 0x0a;
inline constexpr std::uint8_t kWordPrefix = 0x0b;
inline constexpr std::uint8_t kDwordPrefix = 0x0c;
inline constexpr std::uint8_t kScopeOp = 0x10;
inline constexpr std::uint8_t kBufferOp = 0x11;
inline constexpr std::uint8_t kMethodOp = 0x14;
inline constexpr std::uint8_t kDualNamePrefix = 0x2e;
inline constexpr std::uint8_t kMultiNamePrefix = 0x2f;
inline constexpr std::uint8_t kExtendedPrefix = 0x5b;
inline constexpr std::uint8_t kRegionOp = 0x80;  ///< these three behind kExtendedPrefix
inline constexpr std::uint8_t kFieldOp = 0x81;
inline constexpr std::uint8_t kDeviceOp = 0x82;
inline constexpr std::uint8_t kLocal0 = 0x60;
inline constexpr std::uint8_t kLocal1 = 0x61;
inline constexpr std::uint8_t kStoreOp = 0x70;
inline constexpr std::uint8_t kAndOp = 0x7b;
inline constexpr std::uint8_t kNotifyOp = 0x86;
inline constexpr std::uint8_t kIfOp = 0xa0;
inline constexpr std::uint8_t kNullName = 0x00;

template <typename T>
void put(Bytes& bytes, T value) {
  for (std::size_t i = 0; i < sizeof value; ++i) bytes.push_back(static_cast<std::uint8_t>(std::uint64_t{value} >> (8 * i)));
}

inline void put_text(Bytes& bytes, std::string_view text) {
  for (const char c : text) bytes.push_back(static_cast<std::uint8_t>(c));
}

inline void put_bytes(Bytes& bytes, std::span<const std::uint8_t> content) {
  for (const std::uint8_t byte : content) bytes.push_back(byte);
}

/// PkgLength counts itself (ACPI 6.5, 20.2.4). `content` is what follows it.
inline void put_package(Bytes& bytes, std::span<const std::uint8_t> content) {
  constexpr std::size_t kOneByteMax = 63;
  constexpr std::size_t kTwoByteMax = 0xfff;
  if (content.size() + 1 <= kOneByteMax) {
    put(bytes, static_cast<std::uint8_t>(content.size() + 1));
  } else {
    const std::size_t extra = content.size() + 2 <= kTwoByteMax ? 1 : 2;
    const std::size_t length = content.size() + 1 + extra;
    put(bytes, static_cast<std::uint8_t>(extra << 6 | (length & 0xf)));
    for (std::size_t i = 0; i < extra; ++i) put(bytes, static_cast<std::uint8_t>(length >> (4 + 8 * i)));
  }
  put_bytes(bytes, content);
}

/// A name from the root on: segments of four characters each, one or more.
inline void put_path(Bytes& bytes, std::initializer_list<std::string_view> segments) {
  put(bytes, std::uint8_t{'\\'});
  if (segments.size() == 2) put(bytes, kDualNamePrefix);
  if (segments.size() > 2) {
    put(bytes, kMultiNamePrefix);
    put(bytes, static_cast<std::uint8_t>(segments.size()));
  }
  for (const std::string_view segment : segments) put_text(bytes, segment);
}

inline void put_dword(Bytes& bytes, std::uint32_t value) {
  put(bytes, kDwordPrefix);
  put(bytes, value);
}

}  // namespace strait::boot::acpi
