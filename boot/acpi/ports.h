#pragma once

#include <cstdint>

#include "base/types.h"

/// The fixed hardware that the FADT announces (ACPI 6.5, 4.8.3): whoever emulates it reads its place here.
namespace strait::boot::acpi {

/// PM1a event block: status (2 bytes), then enable (2 bytes).
inline constexpr Port kPm1Event{0x600};
inline constexpr std::uint8_t kPm1EventSize = 4;
/// PM1a control block: SLP_TYP in bits 12:10, SLP_EN in bit 13.
inline constexpr Port kPm1Control{0x604};
inline constexpr std::uint8_t kPm1ControlSize = 2;
/// Writing kResetValue resets the machine (ACPI 6.5, 4.8.3.6).
inline constexpr Port kReset{0x606};
inline constexpr std::uint8_t kResetValue = 1;

/// General-purpose event block 0: status (1 byte), then enable (1 byte) (ACPI 6.5, 4.8.4.1).
inline constexpr Port kEvents{0x608};
inline constexpr std::uint8_t kEventsSize = 2;
/// The event that says that a slot of the PCI bus has something to say: _E01.
inline constexpr unsigned kSlotEvent = 1;
/// The registers of pci::SlotEvents.
inline constexpr Port kSlotEvents{0x610};
inline constexpr std::uint8_t kSlotEventsSize = 12;

/// The power button's bit in PM1 status and enable.
inline constexpr std::uint16_t kPowerButtonBit = 1u << 8;
/// PM1 control reads with it set: the machine is in ACPI mode from the start, for there is no SMI command to enter it.
inline constexpr std::uint16_t kSciEnableBit = 1u << 0;
/// What \_S5 in dsdt.asl gives for the soft-off state, as it arrives in SLP_TYP.
inline constexpr std::uint8_t kSleepTypeS5 = 5;

/// The system control interrupt: level-triggered, active high.
inline constexpr Gsi kSci{9};
/// INTx: pin `pin` (0 is INTA) of bus 0's device `slot` (0 to 31). Level-triggered, active low. dsdt.asl says the same.
constexpr Gsi intx_gsi(unsigned slot, unsigned pin) { return Gsi{16 + (slot + pin) % 8}; }
/// COM1, as dsdt.asl announces it.
inline constexpr Port kCom1{0x3f8};
inline constexpr Gsi kCom1Gsi{4};
/// pvpanic, as dsdt.asl announces it.
inline constexpr Port kPanic{0x505};

}  // namespace strait::boot::acpi
