#include "boot/acpi/slots.h"

#include <string>

#include <fmt/format.h>

#include "boot/acpi/encoding.h"
#include "boot/acpi/ports.h"

namespace strait::boot::acpi {
namespace {

constexpr unsigned kSlots = 32;

/// Kinds of Notify (ACPI 6.5, table 5.171).
constexpr std::uint8_t kDeviceCheck = 1, kEjectRequest = 3;

std::string name_of(unsigned slot) { return fmt::format("S{:02X}_", slot); }

/// A construct that is its operation, its length, and what it holds.
void put_block(Bytes& bytes, std::initializer_list<std::uint8_t> operation, const Bytes& content) {
  for (const std::uint8_t byte : operation) put(bytes, byte);
  put_package(bytes, content);
}

void put_named_dword(Bytes& bytes, std::string_view name, std::uint32_t value) {
  put(bytes, kNameOp);
  put_text(bytes, name);
  put_dword(bytes, value);
}

/// The registers, as INSD, WNTD and EJCD.
void put_registers(Bytes& bytes) {
  constexpr std::uint8_t kSystemIoSpace = 1, kDwordAccess = 3, kFieldBits = 32;
  put(bytes, kExtendedPrefix);
  put(bytes, kRegionOp);
  put_text(bytes, "SLTS");
  put(bytes, kSystemIoSpace);
  put(bytes, kWordPrefix);
  put(bytes, kSlotEvents.value);
  put(bytes, kBytePrefix);
  put(bytes, kSlotEventsSize);

  Bytes field;
  put_text(field, "SLTS");
  put(field, kDwordAccess);
  for (const char* name : {"INSD", "WNTD", "EJCD"}) {
    put_text(field, name);
    put(field, kFieldBits);
  }
  put_block(bytes, {kExtendedPrefix, kFieldOp}, field);
}

/// Device (Sxx) { Name (_ADR, slot << 16) Name (_SUN, slot) Method (_EJ0, 1) { Store (1 << slot, EJCD) } }
void put_slot(Bytes& bytes, unsigned slot) {
  Bytes eject;
  put_text(eject, "_EJ0");
  put(eject, std::uint8_t{1});  // one argument
  put(eject, kStoreOp);
  put_dword(eject, 1u << slot);
  put_text(eject, "EJCD");

  Bytes device;
  put_text(device, name_of(slot));
  put_named_dword(device, "_ADR", slot << 16);
  put_named_dword(device, "_SUN", slot);
  put_block(device, {kMethodOp}, eject);
  put_block(bytes, {kExtendedPrefix, kDeviceOp}, device);
}

/// If (And (local, 1 << slot)) { Notify (\_SB.PCI0.Sxx, kind) }
void put_notification(Bytes& bytes, std::uint8_t local, unsigned slot, std::uint8_t kind) {
  Bytes branch;
  put(branch, kAndOp);
  put(branch, local);
  put_dword(branch, 1u << slot);
  put(branch, kNullName);
  put(branch, kNotifyOp);
  put_path(branch, {"_SB_", "PCI0", name_of(slot)});
  put(branch, kBytePrefix);
  put(branch, kind);
  put_block(bytes, {kIfOp}, branch);
}

void put_read(Bytes& bytes, std::string_view field, std::uint8_t local) {
  put(bytes, kStoreOp);
  put_path(bytes, {"_SB_", "PCI0", field});
  put(bytes, local);
}

}  // namespace

Bytes slots_aml(std::uint32_t slots) {
  Bytes bridge;
  put_path(bridge, {"_SB_", "PCI0"});
  put_registers(bridge);

  Bytes event;
  put_text(event, fmt::format("_E{:02X}", kSlotEvent));
  put(event, std::uint8_t{0});  // no arguments
  put_read(event, "INSD", kLocal0);
  put_read(event, "WNTD", kLocal1);

  for (unsigned slot = 0; slot < kSlots; ++slot) {
    if ((slots >> slot & 1) == 0) continue;
    put_slot(bridge, slot);
    put_notification(event, kLocal0, slot, kDeviceCheck);
    put_notification(event, kLocal1, slot, kEjectRequest);
  }

  Bytes events;
  put_path(events, {"_GPE"});
  put_block(events, {kMethodOp}, event);

  Bytes bytes;
  put_block(bytes, {kScopeOp}, bridge);
  put_block(bytes, {kScopeOp}, events);
  return bytes;
}

}  // namespace strait::boot::acpi
