#include "boot/acpi/aml.h"

#include <utility>

#include "boot/acpi/encoding.h"

namespace strait::boot::acpi {
namespace {

// Resource descriptors (ACPI 6.5, 6.4.2 and 6.4.3): large ones are followed by a 16-bit length.
constexpr std::uint8_t kIoPortDescriptor = 0x47;
constexpr std::uint8_t kEndTag = 0x79;
constexpr std::uint8_t kFixedMemory32Descriptor = 0x86;
constexpr std::uint8_t kDwordAddressSpace = 0x87;
constexpr std::uint8_t kWordAddressSpace = 0x88;
constexpr std::uint8_t kQwordAddressSpace = 0x8a;

// Address space descriptors: resource type, general flags, type-specific flags.
constexpr std::uint8_t kMemory = 0, kIo = 1, kBus = 2;
/// Producer, positive decode, minimum and maximum fixed.
constexpr std::uint8_t kFixedProducer = 0x0c;
constexpr std::uint8_t kReadWriteUncached = 0x01;
constexpr std::uint8_t kEntireIoRange = 0x03;
constexpr std::uint8_t kNoTypeFlags = 0;

/// A word, dword or quadword address space descriptor (ACPI 6.5, 6.4.3.5): T is the width of its addresses.
template <typename T>
void put_address_space(Bytes& bytes, std::uint8_t tag, std::uint8_t type, std::uint8_t type_flags, T first, T last) {
  constexpr std::size_t kLength = 3 + 5 * sizeof(T);
  put(bytes, tag);
  put(bytes, static_cast<std::uint16_t>(kLength));
  put(bytes, type);
  put(bytes, kFixedProducer);
  put(bytes, type_flags);
  put(bytes, T{0});  // granularity
  put(bytes, first);
  put(bytes, last);
  put(bytes, T{0});  // translation
  put(bytes, static_cast<T>(last - first + 1));
}

}  // namespace

void Resources::bus_window(std::uint16_t first, std::uint16_t last) {
  put_address_space(bytes_, kWordAddressSpace, kBus, kNoTypeFlags, first, last);
}

void Resources::io_window(std::uint16_t first, std::uint16_t last) {
  put_address_space(bytes_, kWordAddressSpace, kIo, kEntireIoRange, first, last);
}

void Resources::memory_window32(const Range<Gpa>& window) {
  put_address_space(bytes_, kDwordAddressSpace, kMemory, kReadWriteUncached, static_cast<std::uint32_t>(window.start.value),
                    static_cast<std::uint32_t>(window.end().value - 1));
}

void Resources::memory_window64(const Range<Gpa>& window) {
  put_address_space(bytes_, kQwordAddressSpace, kMemory, kReadWriteUncached, window.start.value, window.end().value - 1);
}

void Resources::io_ports(Port first, std::uint8_t count) {
  constexpr std::uint8_t kDecodes16Bits = 1;
  put(bytes_, kIoPortDescriptor);
  put(bytes_, kDecodes16Bits);
  put(bytes_, first.value);
  put(bytes_, first.value);
  put(bytes_, std::uint8_t{1});  // alignment
  put(bytes_, count);
}

void Resources::fixed_memory32(const Range<Gpa>& memory) {
  constexpr std::uint8_t kWritable = 1;
  put(bytes_, kFixedMemory32Descriptor);
  put(bytes_, std::uint16_t{9});
  put(bytes_, kWritable);
  put(bytes_, static_cast<std::uint32_t>(memory.start.value));
  put(bytes_, static_cast<std::uint32_t>(memory.size));
}

Bytes Resources::finish() && {
  put(bytes_, kEndTag);
  put(bytes_, std::uint8_t{0});  // a checksum of 0 is not verified
  return std::move(bytes_);
}

Bytes scoped_crs(std::string_view device, std::span<const std::uint8_t> resources) {
  Bytes buffer;
  put(buffer, kWordPrefix);
  put(buffer, static_cast<std::uint16_t>(resources.size()));
  put_bytes(buffer, resources);

  Bytes scope;
  put_path(scope, {"_SB_", device});
  put(scope, kNameOp);
  put_text(scope, "_CRS");
  put(scope, kBufferOp);
  put_package(scope, buffer);

  Bytes bytes;
  put(bytes, kScopeOp);
  put_package(bytes, scope);
  return bytes;
}

}  // namespace strait::boot::acpi
