#pragma once

#include <gtest/gtest.h>
#include <linux/serial_reg.h>

#include <string>
#include <string_view>

#include "devices/serial.h"
#include "tests/unit/devices/access.h"

namespace strait::test {

/// A UART with a console that keeps what it got.
struct SerialTest : testing::Test, ConsoleOutput {
  void write(std::span<const std::uint8_t> bytes) override { console.append(bytes.begin(), bytes.end()); }

  std::uint8_t in(unsigned port) { return test::read<std::uint8_t>(serial, port); }
  void out(unsigned port, unsigned value) { test::write<std::uint8_t>(serial, port, static_cast<std::uint8_t>(value)); }
  std::size_t type(std::string_view text) {
    return serial.receive({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }
  /// The interrupt source alone: IIR without the bits that say which chip it is.
  unsigned interrupt_id() { return in(UART_IIR) & 0x0fu; }
  /// All that the receiver has, by polling.
  std::string drain() {
    std::string text;
    while ((in(UART_LSR) & UART_LSR_DR) != 0) text.push_back(static_cast<char>(in(UART_RX)));
    return text;
  }
  /// A driver that has opened the port: 8n1, FIFOs with the trigger at `trigger`, RTS up.
  void open(unsigned trigger = UART_FCR_R_TRIG_10) {
    out(UART_LCR, UART_LCR_WLEN8);
    out(UART_FCR, UART_FCR_ENABLE_FIFO | trigger);
    out(UART_MCR, UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2);
  }

  RecordingIrqLine irq;
  std::string console;
  int space_notices = 0;
  Serial serial{irq, *this, [this] { ++space_notices; }};
};

}  // namespace strait::test
