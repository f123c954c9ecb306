// A guest's accesses to the UART and a user's typing, in any order.

#include <linux/serial_reg.h>

#include <array>
#include <string>

#include "devices/serial.h"
#include "tests/fuzz/devices/input.h"

namespace {

using strait::Serial;
using strait::fuzz::Input;
using strait::fuzz::require;

struct Pin : strait::IrqLine {
  void set(bool asserted) override {
    require(asserted != level, "the pin is driven only when its level changes");
    level = asserted;
  }
  bool level = false;
};

struct Console : strait::ConsoleOutput {
  void write(std::span<const std::uint8_t> bytes) override { text.append(bytes.begin(), bytes.end()); }
  std::string text;
};

class Session {
 public:
  void step(Input& input) {
    const auto choice = input.next<std::uint8_t>();
    const unsigned port = choice & 7;
    switch (choice >> 3 & 7) {
      case 0:
      case 1:
      case 2: write(port, input.bytes(1)); break;
      case 3: write(port, input.bytes(1 + input.next<std::uint8_t>() % (Serial::kSize - port))); break;
      case 4:
      case 5: read(port, 1); break;
      case 6: read(port, 1 + input.next<std::uint8_t>() % (Serial::kSize - port)); break;
      default:
        if (port == 0) {
          serial_.reset();
          line_control_ = modem_control_ = 0;
          require(!pin_.level, "nothing is pending after a reset");
        } else {
          type(input.next<std::uint8_t>() * port);
        }
    }
    require(console_.text == expected_output_, "the console gets what was transmitted outside loopback, and no more");
    require(bytes_read_ <= bytes_accepted_ + bytes_looped_, "no byte is invented");
  }

 private:
  void write(unsigned port, std::span<const std::uint8_t> data) {
    if (data.empty()) return;
    // Registers are touched in order, so a transmitted byte comes before a change of LCR or MCR in the same access.
    if (port == UART_TX && (line_control_ & UART_LCR_DLAB) == 0) {
      if ((modem_control_ & UART_MCR_LOOP) != 0) {
        ++bytes_looped_;
      } else {
        expected_output_.push_back(static_cast<char>(data[0]));
      }
    }
    for (std::size_t i = 0; i < data.size(); ++i) {
      if (port + i == UART_LCR) line_control_ = data[i];
      if (port + i == UART_MCR) modem_control_ = data[i];
    }
    serial_.write(port, data);
  }

  void read(unsigned port, std::size_t length) {
    std::array<std::uint8_t, Serial::kSize> data{};
    const auto part = std::span(data).first(length);
    const bool asserted = pin_.level;
    const bool reads_data = port == UART_RX && (line_control_ & UART_LCR_DLAB) == 0;
    if (reads_data && data_ready()) ++bytes_read_;
    serial_.read(port, part);
    for (std::size_t i = 0; i < length; ++i) check(port + i, part[i], i == 0, asserted);
  }

  void check(std::size_t port, std::uint8_t value, bool first, bool asserted) const {
    if (port == UART_IIR) require((value & 0x30) == 0, "reserved bits of IIR are zero");
    if (port == UART_IIR && first) require(((value & UART_IIR_NO_INT) == 0) == asserted, "the pin says what IIR says");
    if (port == UART_LCR) require(value == line_control_, "LCR reads back");
    if (port == UART_MCR) require(value == (modem_control_ & 0x1f), "MCR reads back");
    if (port == UART_LSR) require((value & ~(UART_LSR_DR | UART_LSR_OE)) == 0x60, "the transmitter is always empty");
  }

  /// Reading LSR clears an overrun, and with it its interrupt: as a driver sees it.
  bool data_ready() {
    std::uint8_t lsr = 0;
    serial_.read(UART_LSR, {&lsr, 1});
    return (lsr & UART_LSR_DR) != 0;
  }

  void type(std::size_t count) {
    const std::string text(count, 't');
    const std::size_t accepted = serial_.receive({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    require(accepted <= count, "no more is accepted than was typed");
    if (accepted < count) space_expected_ = true;
    bytes_accepted_ += accepted;
  }

  void on_space() {
    require(space_expected_, "space is announced only after bytes were refused");
    space_expected_ = false;
  }

  Pin pin_;
  Console console_;
  Serial serial_{pin_, console_, [this] { on_space(); }};
  std::string expected_output_;
  std::size_t bytes_accepted_ = 0, bytes_looped_ = 0, bytes_read_ = 0;
  std::uint8_t line_control_ = 0, modem_control_ = 0;
  bool space_expected_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  Session session;
  while (!input.empty()) session.step(input);
  return 0;
}
