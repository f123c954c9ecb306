#include "devices/power.h"

#include <utility>

namespace strait {
namespace {

/// TMR, GBL, PWRBTN, SLPBTN, RTC enables and PCIEXP_WAKE_DIS (ACPI 6.5 table 4.12): drivers check that what they enable sticks.
constexpr std::uint16_t kEnableMask = 0x4721;
/// BM_RLD and SLP_TYP (ACPI 6.5 table 4.13); GBL_RLS and SLP_EN are write-only, SCI_EN is the hardware's.
constexpr std::uint16_t kControlMask = 0x1c02;

constexpr std::uint16_t byte_at(std::uint8_t value, std::uint64_t offset) {
  return static_cast<std::uint16_t>(value << (offset % 2 * 8));
}

constexpr std::uint8_t byte_of(std::uint16_t value, std::uint64_t offset) {
  return static_cast<std::uint8_t>(value >> (offset % 2 * 8));
}

}  // namespace

Power::Power(IrqLine& sci, std::function<void()> on_power_off, std::function<void()> on_reset)
    : sci_(sci), on_power_off_(std::move(on_power_off)), on_reset_(std::move(on_reset)) {}

void Power::read(std::uint64_t offset, std::span<std::uint8_t> data) {
  const std::lock_guard lock(mutex_);
  for (std::uint8_t& byte : data) byte = read_byte(offset++);
}

std::uint8_t Power::read_byte(std::uint64_t offset) const {
  if (offset < 2) return byte_of(status_, offset);
  if (offset < kControlOffset) return byte_of(enable_, offset);
  if (offset < kResetOffset) return byte_of(control_, offset);
  if (offset == kResetOffset) return 0;
  if (offset == kEventsOffset) return event_status_;
  return offset == kEventsOffset + 1 ? event_enable_ : 0xff;
}

void Power::write(std::uint64_t offset, std::span<const std::uint8_t> data) {
  Action action = Action::kNone;
  {
    const std::lock_guard lock(mutex_);
    for (const std::uint8_t byte : data) write_byte(offset++, byte, action);
    update_sci();
  }
  if (action == Action::kPowerOff && on_power_off_) on_power_off_();
  if (action == Action::kReset && on_reset_) on_reset_();
}

void Power::write_byte(std::uint64_t offset, std::uint8_t value, Action& action) {
  const std::uint16_t lane = byte_at(0xff, offset);
  const std::uint16_t bits = byte_at(value, offset);
  if (offset < 2) {
    status_ = static_cast<std::uint16_t>(status_ & ~bits);
  } else if (offset < kControlOffset) {
    enable_ = static_cast<std::uint16_t>((enable_ & ~lane) | (bits & kEnableMask));
    if (button_waiting_ && (enable_ & kPowerButton) != 0) {
      button_waiting_ = false;
      status_ |= kPowerButton;
    }
  } else if (offset < kResetOffset) {
    control_ = static_cast<std::uint16_t>((control_ & ~(lane & kControlMask)) | (bits & kControlMask));
    const unsigned sleep_type = control_ >> kSleepTypeShift & 7;
    if ((bits & kSleepEnable) != 0 && sleep_type == kSleepTypeS5) action = Action::kPowerOff;
  } else if (offset == kResetOffset && value == kResetValue) {
    action = Action::kReset;
  } else if (offset == kEventsOffset) {
    event_status_ &= static_cast<std::uint8_t>(~value);
  } else if (offset == kEventsOffset + 1) {
    event_enable_ = value;
  }
}

void Power::press_power_button() {
  const std::lock_guard lock(mutex_);
  status_ |= kPowerButton;
  button_waiting_ = (enable_ & kPowerButton) == 0;
  update_sci();
}

void Power::raise_event(unsigned number) {
  const std::lock_guard lock(mutex_);
  event_status_ |= static_cast<std::uint8_t>(1u << number);
  update_sci();
}

void Power::reset() {
  const std::lock_guard lock(mutex_);
  button_waiting_ = false;
  status_ = 0;
  enable_ = 0;
  control_ = kSciEnable;
  event_status_ = 0;
  event_enable_ = 0;
  update_sci();
}

void Power::update_sci() {
  const bool asserted = (status_ & enable_) != 0 || (event_status_ & event_enable_) != 0;
  if (asserted == sci_asserted_) return;
  sci_asserted_ = asserted;
  sci_.set(asserted);
}

}  // namespace strait
