#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cli/libvirt/document.h"
#include "host/bdf.h"

namespace strait::libvirt {

/// A number as libvirt reads most: digits.
std::optional<std::uint64_t> parse_decimal(std::string_view text);
/// A number as libvirt reads those of addresses: decimal, with 0x hexadecimal, with 0 before it octal.
std::optional<std::uint64_t> parse_c_number(std::string_view text);

/// What a unit multiplies by, in any case of letters: b, bytes, KB and kB (1000), k, KiB (1024), and so on to E. Nothing for others.
std::optional<std::uint64_t> parse_unit(std::string_view unit);

/// An amount of memory: the element's text, in its unit=, or KiB where that is missing or empty. Throws UsageError.
std::uint64_t memory_of(const Element& element);
/// The same for an amount that an attribute has, as a NUMA cell's.
std::uint64_t memory_of(const Element& element, const char* attribute);
/// A multiple of 1 KiB as strait writes it: 4G.
std::string in_units(std::uint64_t size);

/// An <address> of type pci. What it does not say is 0. Throws UsageError.
struct PciAddress {
  host::Bdf bdf;
  bool is_zero() const { return bdf == host::Bdf{}; }
};
PciAddress pci_address_of(const Element& address);

/// address= of a <mac>, in small letters: of one card. Throws UsageError.
std::string mac_of(const Element& mac);

/// id= of a VLAN's <tag>, 0 to 4094. Throws UsageError.
unsigned vlan_id_of(const Element& tag);

/// The element's text, which has to be one line: a path. Throws UsageError.
std::string line_of(const Element& element);
/// Throws UsageError where `value`, which `element` says, is no single line of text.
void check_is_line(const Element& element, std::string_view value);

}  // namespace strait::libvirt
