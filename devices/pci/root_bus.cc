#include "devices/pci/root_bus.h"

#include <optional>

#include "base/little_endian.h"

namespace strait::pci {
namespace {

constexpr std::uint64_t kAddressPort = 0;  // 0xCF8
constexpr std::uint64_t kDataPort = 4;     // 0xCFC

constexpr std::uint32_t kAddressEnable = 1u << 31;
constexpr std::uint32_t kAddressWritable = 0xfffffffc;
/// Bits 30:24 are reserved. With any of them set nothing answers: processors that put register bits 11:8 there would
/// otherwise see the first 256 bytes again.
constexpr std::uint32_t kAddressReserved = 0x7f000000;
constexpr std::uint32_t kAddressBus = 0x00ff0000;

/// Where a data port access of `length` bytes goes, as ECAM encodes it; nothing where no access of bus 0 results.
std::optional<std::uint32_t> decode(std::uint32_t address_register, std::uint64_t offset, std::size_t length) {
  const std::uint64_t lane = offset - kDataPort;
  if (offset < kDataPort || (length != 1 && length != 2 && length != 4) || lane % length != 0) return std::nullopt;
  if ((address_register & kAddressEnable) == 0) return std::nullopt;
  if ((address_register & (kAddressReserved | kAddressBus)) != 0) return std::nullopt;
  const std::uint32_t device_and_function = address_register >> 8 & 0xff;
  return device_and_function << 12 | (address_register & 0xfc) | static_cast<std::uint32_t>(lane);
}

/// The pieces that an ECAM access is made of: itself, or two dwords for an aligned quadword; 0 where it is malformed.
std::size_t ecam_piece(std::uint64_t offset, std::size_t length) {
  const bool sized = length == 1 || length == 2 || length == 4 || length == 8;
  if (!sized || offset % length != 0) return 0;
  return length == 8 ? 4 : length;
}

}  // namespace

bool RootBus::attach(unsigned device, unsigned number, Function& function) {
  if (device >= kDevices || number >= kFunctions) return false;
  const std::lock_guard lock(mutex_);
  Function*& place = functions_[device * kFunctions + number];
  if (place != nullptr) return false;
  place = &function;
  return true;
}

void RootBus::detach(unsigned device, unsigned number) {
  if (device >= kDevices || number >= kFunctions) return;
  const std::lock_guard lock(mutex_);
  functions_[device * kFunctions + number] = nullptr;
}

void RootBus::reset() {
  const std::lock_guard lock(mutex_);
  address_register_ = 0;
}

Function* RootBus::find(std::uint32_t address) {
  const std::uint32_t index = address >> 12 & 0xff;
  const bool device_present = functions_[index & ~(kFunctions - 1)] != nullptr;
  Function* const function = device_present ? functions_[index] : nullptr;
  if (function == nullptr) absent_.add();
  return function;
}

void RootBus::read_config(std::uint32_t address, std::span<std::uint8_t> data) {
  reads_.add();
  if (Function* const function = find(address)) {
    function->read_config(static_cast<std::uint16_t>(address & 0xfff), data);
  } else {
    fill_ones(data);
  }
}

void RootBus::write_config(std::uint32_t address, std::span<const std::uint8_t> data) {
  writes_.add();
  if (Function* const function = find(address)) function->write_config(static_cast<std::uint16_t>(address & 0xfff), data);
}

void RootBus::Ports::read(std::uint64_t offset, std::span<std::uint8_t> data) {
  const std::lock_guard lock(bus_.mutex_);
  if (offset == kAddressPort && data.size() == 4) {
    store_access(data, bus_.address_register_);
  } else if (const auto address = decode(bus_.address_register_, offset, data.size())) {
    bus_.read_config(*address, data);
  } else {
    fill_ones(data);
  }
}

void RootBus::Ports::write(std::uint64_t offset, std::span<const std::uint8_t> data) {
  const std::lock_guard lock(bus_.mutex_);
  if (offset == kAddressPort && data.size() == 4) {
    bus_.address_register_ = load<std::uint32_t>(data) & kAddressWritable;
  } else if (const auto address = decode(bus_.address_register_, offset, data.size())) {
    bus_.write_config(*address, data);
  }
}

void RootBus::Ecam::read(std::uint64_t offset, std::span<std::uint8_t> data) {
  const std::size_t piece = ecam_piece(offset, data.size());
  if (piece == 0) {
    fill_ones(data);
    return;
  }
  const std::lock_guard lock(bus_.mutex_);
  for (std::size_t done = 0; done < data.size(); done += piece) {
    bus_.read_config(static_cast<std::uint32_t>(offset + done), data.subspan(done, piece));
  }
}

void RootBus::Ecam::write(std::uint64_t offset, std::span<const std::uint8_t> data) {
  const std::size_t piece = ecam_piece(offset, data.size());
  if (piece == 0) return;
  const std::lock_guard lock(bus_.mutex_);
  for (std::size_t done = 0; done < data.size(); done += piece) {
    bus_.write_config(static_cast<std::uint32_t>(offset + done), data.subspan(done, piece));
  }
}

}  // namespace strait::pci
