#include "host/pci_interrupts.h"

#include <algorithm>
#include <bitset>
#include <cstddef>

#include "base/little_endian.h"

namespace strait::host {
namespace {

constexpr std::size_t kHeaderSize = 64, kConfigSize = 256;
constexpr std::size_t kStatus = 0x06, kClassRevision = 0x08, kHeaderType = 0x0e, kCapabilities = 0x34, kInterruptPin = 0x3d;
constexpr std::uint16_t kHasCapabilities = 1 << 4;
constexpr std::uint8_t kCapMsi = 0x05, kCapMsix = 0x11;
constexpr unsigned kLastPin = 4;

}  // namespace

PciInterrupts interrupts_of(std::span<const std::uint8_t> config) {
  PciInterrupts interrupts;
  // All ones: the function does not answer. A virtual function's vendor and device are that by design (SR-IOV specification, 3.4.1.1).
  if (config.size() < kHeaderSize || load<std::uint32_t>(config, kClassRevision) == 0xffffffff) return interrupts;
  if (config[kInterruptPin] <= kLastPin) interrupts.pin = config[kInterruptPin];
  const bool card_bus = (config[kHeaderType] & 0x7f) == 2;  // keeps the list elsewhere
  if (card_bus) return interrupts;

  std::size_t at = (load<std::uint16_t>(config, kStatus) & kHasCapabilities) != 0 ? config[kCapabilities] & ~3u : 0;
  std::bitset<kConfigSize> seen;
  while (at != 0) {
    if (at < kHeaderSize || at + 4 > config.size() || seen[at]) return interrupts;
    seen.set(at);
    const auto control = load<std::uint16_t>(config, at + 2);
    if (config[at] == kCapMsi) interrupts.msi = 1u << std::min(control >> 1 & 7, 5);
    if (config[at] == kCapMsix) interrupts.msix = (control & 0x7ffu) + 1;
    at = config[at + 1] & ~3u;
  }
  // The list was read to its end: what it does not have, the function has not.
  interrupts.msi = interrupts.msi.value_or(0);
  interrupts.msix = interrupts.msix.value_or(0);
  return interrupts;
}

}  // namespace strait::host
