#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace strait::host {

/// The address of a PCI function: domain, bus, device, function.
struct Bdf {
  std::uint32_t domain = 0;
  std::uint8_t bus = 0;
  std::uint8_t device = 0;    ///< 0 to 31
  std::uint8_t function = 0;  ///< 0 to 7

  /// Accepts `0000:01:10.0`, `01:10.0` (domain 0), and a sysfs path whose last part is one of them. Throws UsageError.
  static Bdf parse(std::string_view text);
  /// The full form, as sysfs names it.
  std::string to_string() const;

  friend auto operator<=>(const Bdf&, const Bdf&) = default;
};

}  // namespace strait::host
