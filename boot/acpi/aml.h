#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/types.h"

/// The little AML (ACPI 6.5, chapter 20) that depends on the machine's configuration. Everything is pure.
namespace strait::boot::acpi {

/// A resource template (ACPI 6.5, 6.4) in the making.
class Resources {
 public:
  /// The bus numbers `first` to `last` that a host bridge decodes.
  void bus_window(std::uint16_t first, std::uint16_t last);
  /// The I/O ports `first` to `last` that a host bridge passes on.
  void io_window(std::uint16_t first, std::uint16_t last);
  /// Memory that a host bridge passes on, not empty; ends below 4 GiB for 32.
  void memory_window32(const Range<Gpa>& window);
  void memory_window64(const Range<Gpa>& window);
  /// Ports and memory (below 4 GiB) that a device itself takes.
  void io_ports(Port first, std::uint8_t count);
  void fixed_memory32(const Range<Gpa>& memory);

  /// The template with its end tag.
  std::vector<std::uint8_t> finish() &&;

 private:
  std::vector<std::uint8_t> bytes_;
};

/// Scope (\_SB.DEVICE) { Name (_CRS, Buffer () { `resources` }) }. `device` has four characters.
std::vector<std::uint8_t> scoped_crs(std::string_view device, std::span<const std::uint8_t> resources);

}  // namespace strait::boot::acpi
