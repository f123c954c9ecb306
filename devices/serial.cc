#include "devices/serial.h"

#include <linux/serial_reg.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace strait {
namespace {

constexpr std::uint8_t kInterruptEnableMask = UART_IER_MSI | UART_IER_RLSI | UART_IER_THRI | UART_IER_RDI;
constexpr std::uint8_t kModemControlMask = UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_OUT1 | UART_MCR_RTS | UART_MCR_DTR;
constexpr std::uint8_t kFifosEnabled = 0xc0;  // IIR bits 7:6 of a 16550A with its FIFOs on
constexpr std::uint8_t kCharacterTimeout = 0x0c;

constexpr std::uint8_t bits(unsigned value) { return static_cast<std::uint8_t>(value); }

}  // namespace

Serial::Serial(IrqLine& irq, ConsoleOutput& output, std::function<void()> on_space)
    : irq_(irq), output_(output), on_space_(std::move(on_space)) {}

void Serial::read(std::uint64_t offset, std::span<std::uint8_t> data) {
  bool space = false;
  {
    const std::lock_guard lock(mutex_);
    for (std::uint8_t& byte : data) {
      byte = read_register(offset++);
      settle();
    }
    space = take_space_notice();
  }
  if (space && on_space_) on_space_();
}

void Serial::write(std::uint64_t offset, std::span<const std::uint8_t> data) {
  std::optional<std::uint8_t> sent;
  bool space = false;
  {
    const std::lock_guard lock(mutex_);
    for (const std::uint8_t byte : data) {
      if (write_register(offset++, byte)) sent = byte;
      settle();
    }
    space = take_space_notice();
  }
  if (sent) output_.write({&*sent, 1});
  if (space && on_space_) on_space_();
}

std::size_t Serial::receive(std::span<const std::uint8_t> bytes) {
  const std::lock_guard lock(mutex_);
  const std::size_t accepted = std::min(bytes.size(), kQueueCapacity - queue_.size());
  queue_.insert(queue_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(accepted));
  if (accepted < bytes.size()) refused_ = true;
  settle();
  return accepted;
}

void Serial::reset() {
  const std::lock_guard lock(mutex_);
  interrupt_enable_ = 0;
  fifo_control_ = 0;
  line_control_ = 0;
  modem_control_ = 0;
  modem_delta_ = 0;
  scratch_ = 0;
  divisor_ = 0;
  transmit_pending_ = false;
  rts_seen_ = false;
  overrun_ = false;
  fifo_clear();
  settle();
}

bool Serial::loopback() const { return (modem_control_ & UART_MCR_LOOP) != 0; }
bool Serial::fifo_enabled() const { return (fifo_control_ & UART_FCR_ENABLE_FIFO) != 0; }
bool Serial::divisor_latch() const { return (line_control_ & UART_LCR_DLAB) != 0; }

std::size_t Serial::trigger_level() const {
  if (!fifo_enabled()) return 1;
  static constexpr std::array<std::size_t, 4> kLevels = {1, 4, 8, 14};
  return kLevels[fifo_control_ >> 6];
}

std::uint8_t Serial::read_register(std::uint64_t offset) {
  switch (offset) {
    case UART_RX: return divisor_latch() ? bits(divisor_ & 0xff) : read_receive_buffer();
    case UART_IER: return divisor_latch() ? bits(divisor_ >> 8) : interrupt_enable_;
    case UART_IIR: return read_interrupt_id();
    case UART_LCR: return line_control_;
    case UART_MCR: return modem_control_;
    case UART_LSR: return read_line_status();
    case UART_MSR: return read_modem_status();
    case UART_SCR: return scratch_;
    default: return 0xff;
  }
}

bool Serial::write_register(std::uint64_t offset, std::uint8_t value) {
  switch (offset) {
    case UART_TX:
      if (divisor_latch()) {
        divisor_ = static_cast<std::uint16_t>((divisor_ & 0xff00) | value);
        return false;
      }
      transmit_pending_ = true;
      if (!loopback()) return true;
      fifo_push(value);
      return false;
    case UART_IER:
      if (divisor_latch()) {
        divisor_ = static_cast<std::uint16_t>((divisor_ & 0x00ff) | value << 8);
      } else {
        write_interrupt_enable(value);
      }
      return false;
    case UART_FCR: write_fifo_control(value); return false;
    case UART_LCR: line_control_ = value; return false;
    case UART_MCR: write_modem_control(value); return false;
    case UART_SCR: scratch_ = value; return false;
    default: return false;  // LSR and MSR are read-only but for factory tests
  }
}

std::uint8_t Serial::read_receive_buffer() {
  if (fifo_count_ == 0) return 0;
  const std::uint8_t byte = fifo_[fifo_head_];
  fifo_head_ = (fifo_head_ + 1) % fifo_.size();
  --fifo_count_;
  return byte;
}

std::uint8_t Serial::read_interrupt_id() {
  const std::uint8_t id = pending_interrupt();
  if (id == UART_IIR_THRI) transmit_pending_ = false;
  return bits(id | (fifo_enabled() ? kFifosEnabled : 0));
}

std::uint8_t Serial::read_line_status() {
  const unsigned data_ready = fifo_count_ != 0 ? UART_LSR_DR : 0;
  const unsigned overrun = std::exchange(overrun_, false) ? UART_LSR_OE : 0;
  return bits(UART_LSR_TEMT | UART_LSR_THRE | overrun | data_ready);
}

std::uint8_t Serial::read_modem_status() { return bits(modem_inputs() | std::exchange(modem_delta_, std::uint8_t{0})); }

void Serial::write_interrupt_enable(std::uint8_t value) {
  const bool was_enabled = (interrupt_enable_ & UART_IER_THRI) != 0;
  interrupt_enable_ = value & kInterruptEnableMask;
  // Enabling raises it at once where the holding register is empty, and here it always is: Linux tests for exactly this.
  if (!was_enabled && (interrupt_enable_ & UART_IER_THRI) != 0) transmit_pending_ = true;
}

void Serial::write_fifo_control(std::uint8_t value) {
  const bool enable = (value & UART_FCR_ENABLE_FIFO) != 0;
  if (enable != fifo_enabled()) fifo_clear();
  if (!enable) {
    fifo_control_ = 0;  // the other bits are programmed only together with the enable bit
    return;
  }
  if ((value & UART_FCR_CLEAR_RCVR) != 0) fifo_clear();
  if ((value & UART_FCR_CLEAR_XMIT) != 0) transmit_pending_ = true;
  fifo_control_ = value & (UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_MASK);
}

void Serial::write_modem_control(std::uint8_t value) {
  const std::uint8_t before = modem_inputs();
  modem_control_ = value & kModemControlMask;
  if ((modem_control_ & UART_MCR_RTS) != 0 && !loopback()) rts_seen_ = true;

  const std::uint8_t after = modem_inputs();
  // CTS, DSR, DCD: any change (bits 0, 1, 3 from 4, 5, 7). RI: its trailing edge only (bit 2 from 6).
  const unsigned changed = (before ^ after) & (UART_MSR_CTS | UART_MSR_DSR | UART_MSR_DCD);
  const unsigned ring_ended = before & ~after & UART_MSR_RI;
  modem_delta_ |= bits((changed | ring_ended) >> 4);
}

std::uint8_t Serial::modem_inputs() const {
  if (!loopback()) return UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS;
  unsigned inputs = 0;
  if ((modem_control_ & UART_MCR_RTS) != 0) inputs |= UART_MSR_CTS;
  if ((modem_control_ & UART_MCR_DTR) != 0) inputs |= UART_MSR_DSR;
  if ((modem_control_ & UART_MCR_OUT1) != 0) inputs |= UART_MSR_RI;
  if ((modem_control_ & UART_MCR_OUT2) != 0) inputs |= UART_MSR_DCD;
  return bits(inputs);
}

std::uint8_t Serial::pending_interrupt() const {
  if ((interrupt_enable_ & UART_IER_RLSI) != 0 && overrun_) return UART_IIR_RLSI;
  if ((interrupt_enable_ & UART_IER_RDI) != 0 && fifo_count_ != 0) {
    // Below the trigger level the character timeout reports, which here has always just passed.
    return fifo_count_ >= trigger_level() ? UART_IIR_RDI : kCharacterTimeout;
  }
  if ((interrupt_enable_ & UART_IER_THRI) != 0 && transmit_pending_) return UART_IIR_THRI;
  if ((interrupt_enable_ & UART_IER_MSI) != 0 && modem_delta_ != 0) return UART_IIR_MSI;
  return UART_IIR_NO_INT;
}

void Serial::fifo_push(std::uint8_t byte) {
  if (fifo_count_ < fifo_depth()) {
    fifo_[(fifo_head_ + fifo_count_++) % fifo_.size()] = byte;
    return;
  }
  // A full FIFO keeps what it has; without FIFOs the newer character replaces the one not read.
  overrun_ = true;
  if (!fifo_enabled()) fifo_[fifo_head_] = byte;
}

void Serial::fifo_clear() {
  fifo_head_ = 0;
  fifo_count_ = 0;
}

void Serial::settle() {
  const bool ready_to_receive =
      rts_seen_ ? (modem_control_ & UART_MCR_RTS) != 0 : (interrupt_enable_ & UART_IER_RDI) != 0;
  while (ready_to_receive && !loopback() && !queue_.empty() && fifo_count_ < fifo_depth()) {
    fifo_push(queue_.front());
    queue_.pop_front();
  }
  const bool asserted = pending_interrupt() != UART_IIR_NO_INT;
  if (asserted == irq_asserted_) return;
  irq_asserted_ = asserted;
  irq_.set(asserted);
}

bool Serial::take_space_notice() {
  if (!refused_ || queue_.size() > kQueueCapacity / 2) return false;
  refused_ = false;
  return true;
}

}  // namespace strait
