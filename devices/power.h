#pragma once

#include <cstdint>
#include <functional>
#include <mutex>

#include "devices/bus.h"
#include "devices/irq_line.h"

namespace strait {

/// ACPI hardware (ACPI 6.5 section 4.8): the power button, soft-off, reset, and general-purpose events, in one block of I/O ports.
///
///     offset 0  PM1a_EVT_BLK, 4 bytes: PM1 status, PM1 enable (4.8.3.1)
///     offset 4  PM1a_CNT_BLK, 2 bytes: PM1 control (4.8.3.2)
///     offset 6  reset register, 1 byte (4.8.3.6)
///     offset 7  nothing
///     offset 8  GPE0_BLK, 2 bytes: event status, event enable (4.8.4.1)
///
/// The FADT names these ports; \_S5 in the DSDT names `kSleepTypeS5`. There is no SMI command port: ACPI mode is always on.
/// Any thread.
class Power : public BusDevice {
 public:
  static constexpr std::uint64_t kEventOffset = 0;
  static constexpr std::uint64_t kControlOffset = 4;
  static constexpr std::uint64_t kResetOffset = 6;
  static constexpr std::uint64_t kEventsOffset = 8;
  static constexpr std::uint64_t kSize = 10;

  /// What the guest writes to the reset register.
  static constexpr std::uint8_t kResetValue = 1;
  /// SLP_TYP of soft-off.
  static constexpr std::uint8_t kSleepTypeS5 = 5;

  static constexpr std::uint16_t kPowerButton = 1 << 8;      ///< PWRBTN_STS and PWRBTN_EN
  static constexpr std::uint16_t kSciEnable = 1 << 0;        ///< SCI_EN
  static constexpr std::uint16_t kSleepEnable = 1 << 13;     ///< SLP_EN
  static constexpr unsigned kSleepTypeShift = 10;            ///< SLP_TYP, 3 bits

  /// `sci` is the level-triggered system control interrupt. The callbacks come from the vCPU thread that asks, without any
  /// lock held; they may not block.
  Power(IrqLine& sci, std::function<void()> on_power_off, std::function<void()> on_reset);

  void read(std::uint64_t offset, std::span<std::uint8_t> data) override;
  void write(std::uint64_t offset, std::span<const std::uint8_t> data) override;

  /// Latches PWRBTN_STS and, where the guest has enabled the event, raises the SCI until the guest clears it. A guest that has not yet
  /// clears what is latched before it does (Linux, when its button driver starts): the press is latched again at that moment.
  void press_power_button();
  /// Raises general-purpose event `number` (0 to 7), whose method _Exx the guest runs once it has enabled it.
  void raise_event(unsigned number);
  /// Back to the state after power-on, for a guest that reboots.
  void reset();

 private:
  enum class Action { kNone, kPowerOff, kReset };
  std::uint8_t read_byte(std::uint64_t offset) const;
  void write_byte(std::uint64_t offset, std::uint8_t value, Action& action);
  void update_sci();

  IrqLine& sci_;
  std::function<void()> on_power_off_;
  std::function<void()> on_reset_;

  mutable std::mutex mutex_;
  std::uint16_t status_ = 0;
  std::uint16_t enable_ = 0;
  std::uint16_t control_ = kSciEnable;
  std::uint8_t event_status_ = 0;
  std::uint8_t event_enable_ = 0;
  bool sci_asserted_ = false;
  bool button_waiting_ = false;  ///< pressed before the guest listened
};

}  // namespace strait
