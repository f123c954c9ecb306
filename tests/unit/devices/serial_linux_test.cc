// What Linux's 8250 driver does to find out what it has (drivers/tty/serial/8250/8250_port.c), as sequences of port
// accesses. Each must come out as for a 16550A without quirks.

#include "tests/unit/devices/serial_fixture.h"

namespace strait::test {
namespace {

constexpr unsigned kConfigModeA = 0x80;
constexpr unsigned kConfigModeB = 0xbf;
constexpr unsigned kEfr = 2;

TEST_F(SerialTest, LinuxFindsAUartByItsInterruptEnableBits) {
  const std::uint8_t saved = in(UART_IER);
  out(UART_IER, 0);
  EXPECT_EQ(in(UART_IER) & 0x0f, 0);
  out(UART_IER, 0x0f);
  EXPECT_EQ(in(UART_IER) & 0x0f, 0x0f);
  out(UART_IER, saved);
  EXPECT_FALSE(irq.level);
}

TEST_F(SerialTest, LinuxLoopbackTestPasses) {
  const std::uint8_t saved = in(UART_MCR);
  out(UART_MCR, UART_MCR_LOOP | 0x0a);
  EXPECT_EQ(in(UART_MSR) & 0xf0, 0x90);
  out(UART_MCR, saved);
}

TEST_F(SerialTest, LinuxIdentifiesA16550aAndNoLaterChip) {
  out(UART_LCR, kConfigModeB);
  out(kEfr, 0);
  out(UART_LCR, 0);
  out(UART_FCR, UART_FCR_ENABLE_FIFO);
  ASSERT_EQ(in(UART_IIR) >> 6, 3) << "16550A";

  out(UART_LCR, kConfigModeA);
  EXPECT_NE(in(kEfr), 0) << "not a 16650";
  out(UART_LCR, kConfigModeB);
  EXPECT_NE(in(kEfr), 0) << "not a 16650 V2";

  out(UART_LCR, 0);
  const unsigned mcr = in(UART_MCR);
  out(UART_LCR, 0xe0);
  ASSERT_EQ((in(2) ^ mcr) & UART_MCR_LOOP, 0u);
  out(UART_LCR, 0);
  out(UART_MCR, mcr ^ UART_MCR_LOOP);
  out(UART_LCR, 0xe0);
  EXPECT_EQ((in(2) ^ mcr) & UART_MCR_LOOP, 0u) << "no National Semiconductor SuperIO";
  out(UART_LCR, 0);
  out(UART_MCR, mcr);

  out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR7_64BYTE);
  EXPECT_EQ(in(UART_IIR) >> 5, 6);
  out(UART_FCR, UART_FCR_ENABLE_FIFO);
  out(UART_LCR, kConfigModeA);
  out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR7_64BYTE);
  EXPECT_EQ(in(UART_IIR) >> 5, 6) << "no 16750";
  out(UART_FCR, UART_FCR_ENABLE_FIFO);
  out(UART_LCR, 0);

  out(UART_IER, UART_IER_UUE);
  EXPECT_EQ(in(UART_IER) & UART_IER_UUE, 0) << "no XScale";
}

TEST_F(SerialTest, LinuxMeasuresASixteenByteFifo) {
  out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR | UART_FCR_CLEAR_XMIT);
  out(UART_MCR, UART_MCR_LOOP);
  out(UART_LCR, kConfigModeA);
  out(UART_DLL, 1);
  out(UART_DLM, 0);
  out(UART_LCR, UART_LCR_WLEN8);
  for (unsigned count = 0; count < 256; ++count) out(UART_TX, count);
  EXPECT_EQ(drain().size(), 16u);
  EXPECT_EQ(console, "");
}

TEST_F(SerialTest, LinuxScratchRegisterTestPasses) {
  out(UART_SCR, 0xa5);
  EXPECT_EQ(in(UART_SCR), 0xa5);
  out(UART_SCR, 0x5a);
  EXPECT_EQ(in(UART_SCR), 0x5a);
}

TEST_F(SerialTest, LinuxReadsItsDivisorBack) {
  out(UART_LCR, kConfigModeA);
  out(UART_DLL, 0);
  out(UART_DLM, 0);
  EXPECT_EQ(in(UART_DLL), 0) << "no XR16C850 revision";
  EXPECT_EQ(in(UART_DLM), 0) << "no XR16C850 type";
}

TEST_F(SerialTest, LinuxStartupFindsNoTransmitBugs) {
  in(UART_LSR);
  in(UART_RX);
  in(UART_IIR);
  in(UART_MSR);
  EXPECT_NE(in(UART_LSR), 0xff) << "the safety check";

  out(UART_IER, UART_IER_THRI);
  const unsigned first = in(UART_IIR);
  out(UART_IER, 0);
  out(UART_IER, UART_IER_THRI);
  const unsigned second = in(UART_IIR);
  out(UART_IER, 0);
  EXPECT_FALSE(first & UART_IIR_NO_INT);
  EXPECT_FALSE(second & UART_IIR_NO_INT) << "UART_BUG_THRE: a timer would poll the port";

  out(UART_IER, UART_IER_THRI);
  const unsigned lsr = in(UART_LSR);
  const unsigned iir = in(UART_IIR);
  out(UART_IER, 0);
  EXPECT_TRUE((lsr & UART_LSR_TEMT) != 0 && (iir & UART_IIR_NO_INT) == 0) << "UART_BUG_TXEN";
  EXPECT_FALSE(irq.level);
}

TEST_F(SerialTest, LinuxConsoleAndTtyShareTheTransmitter) {
  open();
  out(UART_IER, UART_IER_RLSI | UART_IER_RDI | UART_IER_THRI);
  ASSERT_EQ(interrupt_id(), UART_IIR_THRI);
  for (const char c : std::string("tty burst of 16B")) out(UART_TX, static_cast<unsigned char>(c));
  // The console: interrupts off, polled, and what was enabled before restored.
  const std::uint8_t saved = in(UART_IER);
  out(UART_IER, 0);
  EXPECT_FALSE(irq.level);
  ASSERT_TRUE(in(UART_LSR) & UART_LSR_THRE);
  out(UART_TX, '!');
  out(UART_IER, saved);
  EXPECT_TRUE(irq.level);
  EXPECT_EQ(interrupt_id(), UART_IIR_THRI);
  EXPECT_EQ(interrupt_id(), UART_IIR_NO_INT);
  EXPECT_EQ(console, "tty burst of 16B!");
}

}  // namespace
}  // namespace strait::test
