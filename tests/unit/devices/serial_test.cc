#include "devices/serial.h"

#include <thread>

#include "tests/unit/devices/serial_fixture.h"

namespace strait::test {
namespace {

TEST_F(SerialTest, RegistersAfterPowerOn) {
  struct Case {
    unsigned port;
    unsigned value;
  };
  constexpr Case kCases[] = {{UART_IER, 0}, {UART_IIR, UART_IIR_NO_INT}, {UART_LCR, 0}, {UART_MCR, 0},
                             {UART_LSR, UART_LSR_TEMT | UART_LSR_THRE},
                             {UART_MSR, UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS}, {UART_SCR, 0}};
  for (const Case& c : kCases) EXPECT_EQ(in(c.port), c.value) << "register " << c.port;
}

TEST_F(SerialTest, TransmitsAtOnce) {
  for (const char c : std::string("hello")) out(UART_TX, static_cast<unsigned char>(c));
  EXPECT_EQ(console, "hello");
  EXPECT_EQ(in(UART_LSR), UART_LSR_TEMT | UART_LSR_THRE);
}

TEST_F(SerialTest, DivisorLatchHidesDataAndInterruptEnable) {
  out(UART_IER, UART_IER_RDI);
  out(UART_LCR, UART_LCR_DLAB | UART_LCR_WLEN8);
  out(UART_DLL, 0x34);
  out(UART_DLM, 0x12);
  EXPECT_EQ(in(UART_DLL), 0x34);
  EXPECT_EQ(in(UART_DLM), 0x12);
  out(UART_LCR, UART_LCR_WLEN8);
  EXPECT_EQ(in(UART_IER), UART_IER_RDI);
  EXPECT_EQ(console, "");
}

TEST_F(SerialTest, ReservedBitsOfInterruptEnableAndModemControlReadAsZero) {
  out(UART_IER, 0xff);
  EXPECT_EQ(in(UART_IER), 0x0f);
  out(UART_MCR, 0xff);
  EXPECT_EQ(in(UART_MCR), 0x1f);
}

TEST_F(SerialTest, TransmitInterruptComesWithEnableAndGoesWhenIdentified) {
  out(UART_IER, UART_IER_THRI);
  EXPECT_TRUE(irq.level);
  EXPECT_EQ(interrupt_id(), UART_IIR_THRI);
  EXPECT_FALSE(irq.level);
  EXPECT_EQ(interrupt_id(), UART_IIR_NO_INT);

  out(UART_TX, 'x');
  EXPECT_TRUE(irq.level);
  EXPECT_EQ(interrupt_id(), UART_IIR_THRI);

  out(UART_IER, UART_IER_THRI);
  EXPECT_EQ(interrupt_id(), UART_IIR_NO_INT) << "it was enabled already";
  out(UART_IER, 0);
  out(UART_IER, UART_IER_THRI);
  EXPECT_EQ(interrupt_id(), UART_IIR_THRI);
}

TEST_F(SerialTest, IdentifyingAnotherSourceLeavesTheTransmitInterruptPending) {
  open();
  out(UART_IER, UART_IER_THRI | UART_IER_RDI);
  type("a");
  EXPECT_EQ(interrupt_id(), 0x0cu);
  in(UART_RX);
  EXPECT_EQ(interrupt_id(), UART_IIR_THRI);
}

TEST_F(SerialTest, InterruptPinIsDrivenOnlyWhenItsLevelChanges) {
  open();
  out(UART_IER, UART_IER_RDI);
  type("abc");
  type("def");
  EXPECT_EQ(irq.calls, 1);
  EXPECT_EQ(drain(), "abcdef");
  EXPECT_FALSE(irq.level);
  EXPECT_EQ(irq.calls, 2);
}

TEST_F(SerialTest, ReceiveTriggerLevelsAndCharacterTimeout) {
  struct Case {
    unsigned trigger;
    std::size_t level;
  };
  constexpr Case kCases[] = {
      {UART_FCR_R_TRIG_00, 1}, {UART_FCR_R_TRIG_01, 4}, {UART_FCR_R_TRIG_10, 8}, {UART_FCR_R_TRIG_11, 14}};
  for (const Case& c : kCases) {
    serial.reset();
    open(c.trigger);
    out(UART_IER, UART_IER_RDI);
    type(std::string(c.level, 'x'));
    EXPECT_EQ(in(UART_IIR), 0xc0 | UART_IIR_RDI) << c.level;
    in(UART_RX);
    EXPECT_EQ(in(UART_IIR), c.level == 1 ? 0xc0 | UART_IIR_NO_INT : 0xc0 | 0x0c) << c.level;
    drain();
  }
}

TEST_F(SerialTest, WithoutFifosOneCharacterIsReadyAtATime) {
  out(UART_MCR, UART_MCR_RTS);
  out(UART_IER, UART_IER_RDI);
  type("ab");
  EXPECT_EQ(in(UART_IIR), UART_IIR_RDI);
  EXPECT_EQ(in(UART_RX), 'a');
  EXPECT_EQ(in(UART_RX), 'b');
  EXPECT_EQ(in(UART_IIR), UART_IIR_NO_INT);
}

TEST_F(SerialTest, EmptyReceiveBufferReadsAsZero) { EXPECT_EQ(in(UART_RX), 0); }

TEST_F(SerialTest, WhatWasTypedWaitsUntilTheGuestRaisesRts) {
  type("early");
  EXPECT_EQ(in(UART_LSR) & UART_LSR_DR, 0);
  out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
  out(UART_FCR, 0);
  in(UART_RX);
  open();
  EXPECT_EQ(drain(), "early");
}

TEST_F(SerialTest, GuestThatIgnoresRtsIsServedOnceItEnablesReceiveInterrupts) {
  type("x");
  out(UART_IER, UART_IER_RDI);
  EXPECT_TRUE(irq.level);
  EXPECT_EQ(drain(), "x");
}

TEST_F(SerialTest, LoweringRtsHoldsTheRestBack) {
  open();
  out(UART_IER, UART_IER_RDI);
  out(UART_MCR, UART_MCR_DTR);
  type("later");
  EXPECT_EQ(drain(), "");
  out(UART_MCR, UART_MCR_DTR | UART_MCR_RTS);
  EXPECT_EQ(drain(), "later");
}

TEST_F(SerialTest, ClearingTheReceiveFifoDropsWhatItHeldAndNoMore) {
  open();
  type("0123456789abcdefREST");
  out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
  EXPECT_EQ(drain(), "REST");
}

TEST_F(SerialTest, FullQueueRefusesAndTellsWhenThereIsSpace) {
  open();
  const std::string text(Serial::kQueueCapacity + 100, 'q');
  EXPECT_EQ(type(text), Serial::kQueueCapacity);
  EXPECT_EQ(type("more"), 4u) << "the FIFO took sixteen";
  EXPECT_EQ(type("0123456789abcdef"), 12u);
  EXPECT_EQ(space_notices, 0);

  std::size_t got = 0;
  while (space_notices == 0 && got < 2 * Serial::kQueueCapacity) {
    ASSERT_TRUE(in(UART_LSR) & UART_LSR_DR);
    in(UART_RX);
    ++got;
  }
  EXPECT_EQ(got, Serial::kQueueCapacity / 2);
  drain();
  EXPECT_EQ(space_notices, 1);
}

TEST_F(SerialTest, LoopbackTurnsModemOutputsIntoInputs) {
  struct Case {
    unsigned outputs;
    unsigned inputs;
  };
  constexpr Case kCases[] = {{0, 0},
                             {UART_MCR_RTS, UART_MSR_CTS},
                             {UART_MCR_DTR, UART_MSR_DSR},
                             {UART_MCR_OUT1, UART_MSR_RI},
                             {UART_MCR_OUT2, UART_MSR_DCD},
                             {UART_MCR_OUT2 | UART_MCR_RTS, UART_MSR_DCD | UART_MSR_CTS}};
  for (const Case& c : kCases) {
    out(UART_MCR, UART_MCR_LOOP | c.outputs);
    EXPECT_EQ(in(UART_MSR) & 0xf0u, c.inputs) << c.outputs;
  }
}

TEST_F(SerialTest, ModemChangesAreLatchedUntilReadAndInterrupt) {
  out(UART_MCR, UART_MCR_LOOP);
  in(UART_MSR);
  out(UART_IER, UART_IER_MSI);
  EXPECT_FALSE(irq.level);
  out(UART_MCR, UART_MCR_LOOP | UART_MCR_RTS | UART_MCR_OUT1);
  EXPECT_TRUE(irq.level);
  EXPECT_EQ(interrupt_id(), UART_IIR_MSI);
  EXPECT_TRUE(irq.level) << "only reading MSR acknowledges";
  EXPECT_EQ(in(UART_MSR) & 0x0f, UART_MSR_DCTS) << "the leading edge of RI does not count";
  EXPECT_FALSE(irq.level);
  out(UART_MCR, UART_MCR_LOOP | UART_MCR_RTS);
  EXPECT_EQ(in(UART_MSR) & 0x0f, UART_MSR_TERI);
}

TEST_F(SerialTest, LoopbackFeedsTheReceiverAndKeepsTheConsoleQuiet) {
  open();
  out(UART_MCR, UART_MCR_LOOP);
  type("typed");
  for (const char c : std::string("looped")) out(UART_TX, static_cast<unsigned char>(c));
  EXPECT_EQ(drain(), "looped");
  EXPECT_EQ(console, "");
  out(UART_MCR, UART_MCR_RTS);
  EXPECT_EQ(drain(), "typed");
}

TEST_F(SerialTest, OverrunOfTheFifoKeepsTheOldAndReportsOnce) {
  open();
  out(UART_MCR, UART_MCR_LOOP);
  out(UART_IER, UART_IER_RLSI | UART_IER_RDI);
  for (unsigned i = 0; i < 17; ++i) out(UART_TX, 'a' + i);
  EXPECT_EQ(interrupt_id(), UART_IIR_RLSI);
  EXPECT_TRUE(in(UART_LSR) & UART_LSR_OE);
  EXPECT_EQ(interrupt_id(), UART_IIR_RDI);
  EXPECT_FALSE(in(UART_LSR) & UART_LSR_OE);
  EXPECT_EQ(drain(), "abcdefghijklmnop");
}

TEST_F(SerialTest, OverrunWithoutFifosKeepsTheNew) {
  out(UART_MCR, UART_MCR_LOOP);
  out(UART_TX, 'a');
  out(UART_TX, 'b');
  EXPECT_EQ(in(UART_LSR) & (UART_LSR_OE | UART_LSR_DR), UART_LSR_OE | UART_LSR_DR);
  EXPECT_EQ(in(UART_RX), 'b');
}

TEST_F(SerialTest, SwitchingTheFifosOnOrOffEmptiesThem) {
  open();
  out(UART_MCR, UART_MCR_LOOP);
  out(UART_TX, 'a');
  out(UART_FCR, 0);
  EXPECT_EQ(drain(), "");
  EXPECT_EQ(in(UART_IIR), UART_IIR_NO_INT);
  out(UART_FCR, UART_FCR_R_TRIG_11);
  EXPECT_EQ(in(UART_IIR) & 0xc0, 0) << "the other bits count only with the enable bit";
}

TEST_F(SerialTest, WideAccessesTouchConsecutiveRegisters) {
  test::write<std::uint16_t>(serial, UART_MCR, 0x0003);
  EXPECT_EQ(in(UART_MCR), 3);
  test::write<std::uint16_t>(serial, UART_TX, 0x0141);
  EXPECT_EQ(console, "A");
  EXPECT_EQ(in(UART_IER), 1);
  out(UART_SCR, 0x5a);
  EXPECT_EQ(test::read<std::uint16_t>(serial, UART_MSR), 0x5ab0);
}

TEST_F(SerialTest, ResetKeepsWhatWasTyped) {
  type("0123456789abcdefREST");
  open();
  out(UART_IER, UART_IER_RDI);
  ASSERT_TRUE(irq.level);
  serial.reset();
  EXPECT_FALSE(irq.level);
  EXPECT_EQ(in(UART_IER), 0);
  open();
  EXPECT_EQ(drain(), "REST") << "the FIFO is gone, the queue is not";
}

TEST_F(SerialTest, TypingWhileTheGuestReadsLosesNothing) {
  open();
  constexpr std::size_t kTotal = 50'000;
  std::jthread typist([this] {
    for (std::size_t sent = 0; sent < kTotal;) {
      const char next = static_cast<char>('a' + sent % 26);
      sent += type({&next, 1});
    }
  });
  std::size_t got = 0;
  bool in_order = true;
  while (got < kTotal && in_order) {
    if ((in(UART_LSR) & UART_LSR_DR) == 0) continue;
    in_order = in(UART_RX) == 'a' + got % 26;
    ++got;
  }
  EXPECT_TRUE(in_order) << "at " << got;
  while (!in_order && got < kTotal) got += drain().size();
}

}  // namespace
}  // namespace strait::test
