#include "boot/acpi/tables.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <numeric>
#include <span>
#include <string_view>

#include <fmt/format.h>

#include "base/error.h"
#include "base/little_endian.h"
#include "base/units.h"
#include "boot/acpi/aml.h"
#include "boot/acpi/dsdt.h"
#include "boot/acpi/encoding.h"
#include "boot/acpi/layouts.h"
#include "boot/acpi/ports.h"
#include "boot/acpi/slots.h"

namespace strait::boot {
namespace {

using namespace acpi;

/// Every table but the FACS may start anywhere; that one wants 64.
constexpr std::size_t kTableAlignment = 64;
/// ACPI 6.5, table 5.21: an APIC ID from 255 on needs the x2APIC structure.
constexpr std::uint32_t kXapicIds = 255;

template <typename T>
void append(Bytes& bytes, const T& object) {
  const std::size_t at = bytes.size();
  bytes.resize(at + sizeof object);
  store(std::span(bytes), at, object);
}

std::uint8_t checksum(std::span<const std::uint8_t> bytes) {
  return static_cast<std::uint8_t>(-std::accumulate(bytes.begin(), bytes.end(), 0u));
}

/// Header and body as one table, its length and checksum filled in.
Bytes make_table(std::string_view signature, std::uint8_t revision, std::span<const std::uint8_t> body) {
  TableHeader header = table_header(signature, revision);
  header.length = static_cast<std::uint32_t>(sizeof header + body.size());
  Bytes table(header.length);
  store(std::span(table), 0, header);
  std::ranges::copy(body, table.begin() + sizeof header);
  table[offsetof(TableHeader, checksum)] = checksum(table);
  return table;
}

GenericAddress io_register(Port port, std::uint8_t size) {
  return {kSystemIo, static_cast<std::uint8_t>(size * 8), 0, size == 1 ? kByteAccess : kWordAccess, port.value};
}

Bytes make_fadt(Gpa facs, Gpa dsdt_address) {
  Fadt fadt;
  fadt.facs = static_cast<std::uint32_t>(facs.value);
  fadt.dsdt = static_cast<std::uint32_t>(dsdt_address.value);
  fadt.x_dsdt = dsdt_address.value;
  fadt.sci_interrupt = static_cast<std::uint16_t>(kSci.value);
  fadt.pm1a_event = kPm1Event.value;
  fadt.pm1a_control = kPm1Control.value;
  fadt.pm1_event_size = kPm1EventSize;
  fadt.pm1_control_size = kPm1ControlSize;
  fadt.gpe0 = kEvents.value;
  fadt.gpe0_size = kEventsSize;
  fadt.x_gpe0 = io_register(kEvents, kEventsSize);
  fadt.x_pm1a_event = io_register(kPm1Event, kPm1EventSize);
  fadt.x_pm1a_control = io_register(kPm1Control, kPm1ControlSize);
  fadt.reset = io_register(kReset, 1);
  fadt.reset_value = kResetValue;
  fadt.boot_architecture = kLegacyDevices | kVgaAbsent | kCmosRtcAbsent;
  fadt.flags = kWbinvd | kC1Supported | kNoSleepButton | kNoFixedRtcWake | kResetSupported;
  Bytes body;
  append(body, fadt);
  return make_table("FACP", Fadt::kRevision, body);
}

Bytes make_madt(const AcpiConfig& config) {
  Bytes body;
  append(body, MadtHead{static_cast<std::uint32_t>(kLocalApic.value)});
  bool has_x2apic_ids = false;
  for (std::uint32_t uid = 0; uid < config.apic_ids.size(); ++uid) {
    const std::uint32_t id = config.apic_ids[uid];
    if (id < kXapicIds && uid < kXapicIds) {
      MadtLocalApic entry;
      entry.uid = static_cast<std::uint8_t>(uid);
      entry.apic_id = static_cast<std::uint8_t>(id);
      append(body, entry);
    } else {
      has_x2apic_ids = true;
      MadtLocalX2apic entry;
      entry.apic_id = id;
      entry.uid = uid;
      append(body, entry);
    }
  }
  MadtIoApic ioapic;
  ioapic.id = config.ioapic_id;
  ioapic.address = static_cast<std::uint32_t>(kIoApic.value);
  append(body, ioapic);
  // The timer is on pin 2, as on every PC. The SCI is level-triggered, active high.
  constexpr auto kSciPin = static_cast<std::uint8_t>(kSci.value);
  append(body, MadtInterruptOverride{.source = 0, .gsi = 2, .flags = 0});
  append(body, MadtInterruptOverride{.source = kSciPin, .gsi = kSci.value, .flags = kActiveHigh | kLevel});
  append(body, MadtLocalApicNmi{});
  if (has_x2apic_ids) append(body, MadtLocalX2apicNmi{});
  return make_table("APIC", kMadtRevision, body);
}

Bytes make_mcfg(const AcpiConfig& config) {
  McfgBody mcfg;
  mcfg.base = config.ecam.start.value;
  Bytes body;
  append(body, mcfg);
  return make_table("MCFG", 1, body);
}

/// The resources of PCI0 and RSRV, and the slots.
Bytes make_ssdt(const AcpiConfig& config) {
  constexpr std::uint16_t kConfigAddress = 0xcf8;
  Resources bridge;
  bridge.bus_window(0, 0);
  bridge.io_ports(Port{kConfigAddress}, 8);
  bridge.io_window(0, kConfigAddress - 1);
  bridge.io_window(0x0d00, 0xffff);
  if (config.mmio32.size > 0) bridge.memory_window32(config.mmio32);
  if (config.mmio64.size > 0) bridge.memory_window64(config.mmio64);
  Bytes body = scoped_crs("PCI0", std::move(bridge).finish());

  Resources reserved;
  reserved.fixed_memory32(config.ecam);
  reserved.io_ports(kPm1Event, kPm1EventSize);
  reserved.io_ports(kPm1Control, kPm1ControlSize);
  reserved.io_ports(kReset, 1);
  reserved.io_ports(kEvents, kEventsSize);
  if (config.hotplug_slots != 0) reserved.io_ports(kSlotEvents, kSlotEventsSize);
  put_bytes(body, scoped_crs("RSRV", std::move(reserved).finish()));
  if (config.hotplug_slots != 0) put_bytes(body, slots_aml(config.hotplug_slots));
  return make_table("SSDT", 2, body);
}

Bytes make_xsdt(std::span<const Gpa> tables) {
  Bytes body;
  for (const Gpa table : tables) append(body, table.value);
  return make_table("XSDT", 1, body);
}

Bytes make_rsdp(Gpa xsdt) {
  Rsdp rsdp;
  rsdp.xsdt = xsdt.value;
  Bytes bytes;
  append(bytes, rsdp);
  bytes[offsetof(Rsdp, checksum)] = checksum(std::span(bytes).first(Rsdp::kFirstRevisionSize));
  bytes[offsetof(Rsdp, extended_checksum)] = checksum(bytes);
  return bytes;
}

/// Tables one after the other from `base`; the RSDP's place comes first.
class Builder {
 public:
  explicit Builder(Gpa base) : base_(base), bytes_(align_up(sizeof(Rsdp), kTableAlignment)) {}

  Gpa add(std::span<const std::uint8_t> table) {
    const Gpa address = base_ + bytes_.size();
    bytes_.insert(bytes_.end(), table.begin(), table.end());
    bytes_.resize(align_up(bytes_.size(), kTableAlignment));
    return address;
  }

  Bytes finish(std::span<const std::uint8_t> rsdp) && {
    std::memcpy(bytes_.data(), rsdp.data(), rsdp.size());
    return std::move(bytes_);
  }

 private:
  Gpa base_;
  Bytes bytes_;
};

}  // namespace

std::vector<std::uint8_t> build_acpi(const AcpiConfig& config, Gpa base) {
  Builder builder(base);
  Bytes facs;
  append(facs, Facs{});
  const Gpa facs_address = builder.add(facs);
  const Gpa dsdt_address = builder.add(dsdt());
  const std::array tables{builder.add(make_fadt(facs_address, dsdt_address)), builder.add(make_madt(config)),
                          builder.add(make_mcfg(config)), builder.add(make_ssdt(config))};
  const Gpa xsdt = builder.add(make_xsdt(tables));
  Bytes image = std::move(builder).finish(make_rsdp(xsdt));
  if (image.size() > kAcpiTables.size) {
    throw Error(fmt::format("the ACPI tables for {} vCPUs take {} bytes, there is room for {}", config.apic_ids.size(),
                            image.size(), kAcpiTables.size), "use fewer --cpus");
  }
  return image;
}

}  // namespace strait::boot
