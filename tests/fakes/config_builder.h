#pragma once

#include <linux/pci_regs.h>

#include <cstdint>
#include <span>
#include <vector>

#include "base/little_endian.h"

namespace strait::test {

/// Writes a type 0 configuration space with capability lists, as hardware would have it: 4096 bytes, or 256 for conventional PCI.
class ConfigBuilder {
 public:
  explicit ConfigBuilder(std::size_t size = 4096) : bytes_(size) {
    set16(PCI_VENDOR_ID, 0x8086).set16(PCI_DEVICE_ID, 0x10ca).set16(PCI_STATUS, 0x0010);
  }

  ConfigBuilder& set8(std::size_t at, unsigned value) { return set<std::uint8_t>(at, value); }
  ConfigBuilder& set16(std::size_t at, unsigned value) { return set<std::uint16_t>(at, value); }
  ConfigBuilder& set32(std::size_t at, std::uint32_t value) { return set<std::uint32_t>(at, value); }

  /// Puts a capability at `at` and at the end of the list; its content stays to be written.
  ConfigBuilder& capability(unsigned id, std::uint8_t at) {
    set8(last_pointer_, at).set8(at, id);
    last_pointer_ = at + 1u;
    return *this;
  }
  ConfigBuilder& msix(std::uint8_t at, unsigned vectors, std::uint32_t table, std::uint32_t pba) {
    return capability(PCI_CAP_ID_MSIX, at).set16(at + 2u, vectors - 1).set32(at + 4u, table).set32(at + 8u, pba);
  }
  ConfigBuilder& msi(std::uint8_t at) { return capability(PCI_CAP_ID_MSI, at).set16(at + 2u, 0x0180); }
  ConfigBuilder& power(std::uint8_t at) { return capability(PCI_CAP_ID_PM, at).set16(at + 2u, 0xc823); }
  /// `flags`: version in bits 3:0, port type in bits 7:4.
  ConfigBuilder& express(std::uint8_t at, unsigned flags = 0x0002) {
    capability(PCI_CAP_ID_EXP, at).set16(at + 2u, flags).set32(at + 4u, 0x10008cc1);
    set32(at + 0x0cu, 0x00436c11).set32(at + 0x10u, 0x10110000).set32(at + 0x2cu, 0x0000000e).set32(at + 0x30u, 0x00010002);
    return *this;
  }
  ConfigBuilder& advanced_features(std::uint8_t at) { return capability(PCI_CAP_ID_AF, at).set8(at + 2u, 6).set8(at + 3u, 3); }

  /// Appends to the extended list, whose first must be at 0x100.
  ConfigBuilder& extended(unsigned id, std::uint16_t at, unsigned version = 1) {
    if (last_extended_ != 0) set32(last_extended_, load<std::uint32_t>(bytes_, last_extended_) | (std::uint32_t{at} << 20));
    set32(at, id | (version << 16));
    last_extended_ = at;
    return *this;
  }

  const std::vector<std::uint8_t>& bytes() const { return bytes_; }
  operator std::span<const std::uint8_t>() const { return bytes_; }

 private:
  template <typename T>
  ConfigBuilder& set(std::size_t at, std::uint32_t value) {
    store(std::span(bytes_), at, static_cast<T>(value));
    return *this;
  }

  std::vector<std::uint8_t> bytes_;
  std::size_t last_pointer_ = PCI_CAPABILITY_LIST;
  std::uint16_t last_extended_ = 0;
};

}  // namespace strait::test
