#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>

#include "devices/bus.h"
#include "devices/irq_line.h"

namespace strait {

/// Where the guest's console output goes.
class ConsoleOutput {
 public:
  virtual ~ConsoleOutput() = default;
  /// Takes all of `bytes`. Called from the vCPU thread that transmitted them, no lock of the caller's held.
  virtual void write(std::span<const std::uint8_t> bytes) = 0;
};

/// A 16550A UART (National PC16550D data sheet) on eight I/O ports. The transmitter is infinitely fast: the holding register is
/// always empty, and the interrupt that says so comes at once. Line settings are remembered and change nothing.
///
/// What is typed waits in a queue of the monitor's and enters the 16-byte FIFO as the guest makes room, so nothing is lost to
/// overrun. The queue honours flow control: it is held back while the guest keeps RTS low, as drivers do until they listen
/// (guests that never touch RTS are served once they enable receive interrupts). Bytes typed during boot survive that way.
///
/// read, write: any vCPU thread. receive: the event loop thread. Guards itself with one mutex.
class Serial : public BusDevice {
 public:
  static constexpr std::uint64_t kSize = 8;
  static constexpr std::size_t kQueueCapacity = 4096;

  /// `irq` follows the UART's interrupt output; it is driven only when the level changes. `on_space`, where given, is called once
  /// (from a vCPU thread, no lock held) after receive() refused bytes and half of the queue has become free.
  Serial(IrqLine& irq, ConsoleOutput& output, std::function<void()> on_space = {});

  /// Accesses wider than a byte touch consecutive registers, as the bus bridge of a PC makes them.
  void read(std::uint64_t offset, std::span<std::uint8_t> data) override;
  void write(std::uint64_t offset, std::span<const std::uint8_t> data) override;

  /// Queues bytes for the guest. Returns how many were accepted, from the first; the caller keeps the rest until `on_space`.
  std::size_t receive(std::span<const std::uint8_t> bytes);

  /// Registers back to power-on, for a guest that reboots; the queue is kept.
  void reset();

 private:
  static constexpr std::size_t kFifoDepth = 16;

  std::uint8_t read_register(std::uint64_t offset);
  /// True where `value` is a byte to transmit.
  bool write_register(std::uint64_t offset, std::uint8_t value);
  std::uint8_t read_receive_buffer();
  std::uint8_t read_interrupt_id();
  std::uint8_t read_line_status();
  std::uint8_t read_modem_status();
  void write_interrupt_enable(std::uint8_t value);
  void write_fifo_control(std::uint8_t value);
  void write_modem_control(std::uint8_t value);

  bool loopback() const;
  bool fifo_enabled() const;
  bool divisor_latch() const;
  std::size_t fifo_depth() const { return fifo_enabled() ? kFifoDepth : 1; }
  std::size_t trigger_level() const;
  /// The modem inputs as MSR bits 7:4.
  std::uint8_t modem_inputs() const;
  /// The highest pending interrupt as IIR bits 3:0.
  std::uint8_t pending_interrupt() const;
  void fifo_push(std::uint8_t byte);
  void fifo_clear();
  /// Moves what may move from the queue to the FIFO, then lets the interrupt line follow.
  void settle();
  /// True once after refused bytes, when the queue is half empty.
  bool take_space_notice();

  IrqLine& irq_;
  ConsoleOutput& output_;
  std::function<void()> on_space_;

  std::mutex mutex_;
  std::uint8_t interrupt_enable_ = 0;
  std::uint8_t fifo_control_ = 0;
  std::uint8_t line_control_ = 0;
  std::uint8_t modem_control_ = 0;
  std::uint8_t modem_delta_ = 0;  ///< MSR bits 3:0
  std::uint8_t scratch_ = 0;
  std::uint16_t divisor_ = 0;
  bool overrun_ = false;
  bool transmit_pending_ = false;  ///< the "holding register empty" interrupt has not been acknowledged
  bool rts_seen_ = false;          ///< the guest drives RTS, so RTS alone decides
  std::array<std::uint8_t, kFifoDepth> fifo_{};
  std::size_t fifo_head_ = 0;
  std::size_t fifo_count_ = 0;
  std::deque<std::uint8_t> queue_;
  bool refused_ = false;
  bool irq_asserted_ = false;
};

}  // namespace strait
