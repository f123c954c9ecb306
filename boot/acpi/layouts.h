#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

/// The tables' layouts (ACPI 6.5, 5.2; MCFG: PCI Firmware 3.3, 4.1.2). Field names say what the specification's abbreviate.
namespace strait::boot::acpi {

#pragma pack(push, 1)

struct Rsdp {
  static constexpr std::size_t kFirstRevisionSize = 20;

  std::array<char, 8> signature{'R', 'S', 'D', ' ', 'P', 'T', 'R', ' '};
  std::uint8_t checksum = 0;  ///< of the first kFirstRevisionSize bytes
  std::array<char, 6> oem{'S', 'T', 'R', 'A', 'I', 'T'};
  std::uint8_t revision = 2;
  std::uint32_t rsdt = 0;
  std::uint32_t length = 36;
  std::uint64_t xsdt = 0;
  std::uint8_t extended_checksum = 0;
  std::array<std::uint8_t, 3> reserved{};
};
static_assert(sizeof(Rsdp) == 36 && offsetof(Rsdp, xsdt) == 24);

struct TableHeader {
  std::array<char, 4> signature{};
  std::uint32_t length = 0;
  std::uint8_t revision = 0;
  std::uint8_t checksum = 0;
  std::array<char, 6> oem{'S', 'T', 'R', 'A', 'I', 'T'};
  std::array<char, 8> oem_table{'S', 'T', 'R', 'A', 'I', 'T', ' ', ' '};
  std::uint32_t oem_revision = 1;
  std::array<char, 4> creator{'S', 'T', 'R', 'T'};
  std::uint32_t creator_revision = 1;
};
static_assert(sizeof(TableHeader) == 36);

/// Length and checksum still 0. `signature` has four characters.
inline TableHeader table_header(std::string_view signature, std::uint8_t revision) {
  TableHeader header;
  for (std::size_t i = 0; i < header.signature.size(); ++i) header.signature[i] = signature[i];
  header.revision = revision;
  return header;
}

inline constexpr std::uint8_t kSystemIo = 1;
inline constexpr std::uint8_t kByteAccess = 1;
inline constexpr std::uint8_t kWordAccess = 2;

struct GenericAddress {
  std::uint8_t space = 0;
  std::uint8_t bit_width = 0;
  std::uint8_t bit_offset = 0;
  std::uint8_t access_size = 0;
  std::uint64_t address = 0;
};
static_assert(sizeof(GenericAddress) == 12);

// FADT flags (table 5.10) and IA-PC boot architecture flags (table 5.11).
inline constexpr std::uint32_t kWbinvd = 1u << 0;
inline constexpr std::uint32_t kC1Supported = 1u << 2;
inline constexpr std::uint32_t kNoSleepButton = 1u << 5;
inline constexpr std::uint32_t kNoFixedRtcWake = 1u << 6;
inline constexpr std::uint32_t kResetSupported = 1u << 10;
inline constexpr std::uint16_t kLegacyDevices = 1u << 0;
inline constexpr std::uint16_t kVgaAbsent = 1u << 2;
inline constexpr std::uint16_t kCmosRtcAbsent = 1u << 5;

/// What follows the header (table 5.9).
struct Fadt {
  static constexpr std::uint8_t kRevision = 6;
  /// Latencies above these say that there is no C2 and no C3.
  static constexpr std::uint16_t kNoC2 = 0x0fff;
  static constexpr std::uint16_t kNoC3 = 0x0fff;

  std::uint32_t facs = 0;
  std::uint32_t dsdt = 0;
  std::uint8_t reserved1 = 0;
  std::uint8_t profile = 4;  ///< enterprise server
  std::uint16_t sci_interrupt = 0;
  std::uint32_t smi_command = 0;  ///< none: always in ACPI mode
  std::uint8_t acpi_enable = 0, acpi_disable = 0, s4bios_request = 0, pstate_control = 0;
  std::uint32_t pm1a_event = 0, pm1b_event = 0, pm1a_control = 0, pm1b_control = 0, pm2_control = 0;
  std::uint32_t pm_timer = 0, gpe0 = 0, gpe1 = 0;
  std::uint8_t pm1_event_size = 0, pm1_control_size = 0, pm2_control_size = 0, pm_timer_size = 0, gpe0_size = 0, gpe1_size = 0;
  std::uint8_t gpe1_base = 0, cst_control = 0;
  std::uint16_t c2_latency = kNoC2, c3_latency = kNoC3;
  std::uint16_t flush_size = 0, flush_stride = 0;
  std::uint8_t duty_offset = 0, duty_width = 0, day_alarm = 0, month_alarm = 0, century = 0;
  std::uint16_t boot_architecture = 0;
  std::uint8_t reserved2 = 0;
  std::uint32_t flags = 0;
  GenericAddress reset;
  std::uint8_t reset_value = 0;
  std::uint16_t arm_boot_architecture = 0;
  std::uint8_t minor_revision = 5;
  /// 0 because `facs` is given: one of the two must be.
  std::uint64_t x_facs = 0;
  std::uint64_t x_dsdt = 0;
  GenericAddress x_pm1a_event, x_pm1b_event, x_pm1a_control, x_pm1b_control, x_pm2_control, x_pm_timer, x_gpe0, x_gpe1;
  GenericAddress sleep_control, sleep_status;
  std::array<char, 8> hypervisor{'S', 'T', 'R', 'A', 'I', 'T', 0, 0};
};
static_assert(sizeof(TableHeader) + sizeof(Fadt) == 276);
static_assert(sizeof(TableHeader) + offsetof(Fadt, boot_architecture) == 109);
static_assert(sizeof(TableHeader) + offsetof(Fadt, flags) == 112);
static_assert(sizeof(TableHeader) + offsetof(Fadt, x_dsdt) == 140);
static_assert(sizeof(TableHeader) + offsetof(Fadt, hypervisor) == 268);

/// Table 5.12. Nothing here uses the global lock or wakes from S3; but only hardware-reduced ACPI may do without a FACS.
struct Facs {
  std::array<char, 4> signature{'F', 'A', 'C', 'S'};
  std::uint32_t length = 64;
  std::uint32_t hardware_signature = 0;
  std::uint32_t waking_vector = 0;
  std::uint32_t global_lock = 0;
  std::uint32_t flags = 0;
  std::uint64_t x_waking_vector = 0;
  std::uint8_t version = 2;
  std::array<std::uint8_t, 31> reserved{};
};
static_assert(sizeof(Facs) == 64);

inline constexpr std::uint8_t kMadtRevision = 5;
inline constexpr std::uint32_t kEnabled = 1;
// MPS INTI flags (table 5.26).
inline constexpr std::uint16_t kActiveHigh = 1;
inline constexpr std::uint16_t kLevel = 3u << 2;

struct MadtHead {
  std::uint32_t local_apic = 0;
  std::uint32_t has_8259 = 1;
};

struct MadtLocalApic {
  std::uint8_t type = 0;
  std::uint8_t length = 8;
  std::uint8_t uid = 0;
  std::uint8_t apic_id = 0;
  std::uint32_t flags = kEnabled;
};
static_assert(sizeof(MadtLocalApic) == 8);

struct MadtIoApic {
  std::uint8_t type = 1;
  std::uint8_t length = 12;
  std::uint8_t id = 0;
  std::uint8_t reserved = 0;
  std::uint32_t address = 0;
  std::uint32_t gsi_base = 0;
};
static_assert(sizeof(MadtIoApic) == 12);

struct MadtInterruptOverride {
  std::uint8_t type = 2;
  std::uint8_t length = 10;
  std::uint8_t bus = 0;  ///< ISA
  std::uint8_t source = 0;
  std::uint32_t gsi = 0;
  std::uint16_t flags = 0;
};
static_assert(sizeof(MadtInterruptOverride) == 10);

/// Every processor's LINT1 is NMI.
struct MadtLocalApicNmi {
  std::uint8_t type = 4;
  std::uint8_t length = 6;
  std::uint8_t uid = 0xff;
  std::uint16_t flags = 0;
  std::uint8_t lint = 1;
};
static_assert(sizeof(MadtLocalApicNmi) == 6);

struct MadtLocalX2apic {
  std::uint8_t type = 9;
  std::uint8_t length = 16;
  std::uint16_t reserved = 0;
  std::uint32_t apic_id = 0;
  std::uint32_t flags = kEnabled;
  std::uint32_t uid = 0;
};
static_assert(sizeof(MadtLocalX2apic) == 16);

struct MadtLocalX2apicNmi {
  std::uint8_t type = 10;
  std::uint8_t length = 12;
  std::uint16_t flags = 0;
  std::uint32_t uid = 0xffffffff;
  std::uint8_t lint = 1;
  std::array<std::uint8_t, 3> reserved{};
};
static_assert(sizeof(MadtLocalX2apicNmi) == 12);

/// Segment 0, bus 0 only.
struct McfgBody {
  std::uint64_t reserved1 = 0;
  std::uint64_t base = 0;
  std::uint16_t segment = 0;
  std::uint8_t start_bus = 0;
  std::uint8_t end_bus = 0;
  std::uint32_t reserved2 = 0;
};
static_assert(sizeof(McfgBody) == 24);

#pragma pack(pop)

}  // namespace strait::boot::acpi
