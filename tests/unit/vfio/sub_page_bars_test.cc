// BARs smaller than a page, of two functions of one machine: the guest places them as it likes, and memory slots are whole pages.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/little_endian.h"
#include "base/log.h"
#include "tests/fakes/config_access.h"
#include "tests/fakes/fake_device.h"
#include "tests/fakes/fake_interrupt_router.h"
#include "tests/fakes/fake_memory_slots.h"
#include "tests/unit/error_of.h"
#include "vfio/assigned_function.h"

namespace strait::vfio {
namespace {

using test::ConfigBuilder;
using test::error_of;
using test::FakeDevice;
using test::FakeInterruptRouter;
using test::FakeMemorySlots;
using test::Journal;
using testing::HasSubstr;

constexpr std::uint64_t kWindow = 0xc0000000, kSize = 0x100;
constexpr std::uint16_t kMsix = 0x70;

class SubPageBars : public testing::Test {
 protected:
  /// A function with one BAR of kSize, which starts with `mark`.
  struct Card {
    Card(SubPageBars& test, std::uint32_t mark, const ConfigBuilder& config = ConfigBuilder()) : device(config) {
      device.add_bar(0, kSize, FakeDevice::kMemory32);
      device.set_msix(1, true);
      store(device.bar(0), 0, mark);
      function.emplace(device, FunctionHost{test.slots_, test.slots_, test.mmio_, test.ports_, test.router_, {}, {}});
    }

    FakeDevice device;
    std::optional<AssignedFunction> function;
  };

  SubPageBars() { log::set_level(log::Level::kOff); }
  ~SubPageBars() override { log::set_level(log::Level::kWarning); }

  std::uint64_t place(Card& card, std::uint64_t from) {
    const auto placed = test::place_bar0(*card.function, from);
    next_ = placed.end().value;
    return placed.start.value;
  }
  /// A guest's access: what a slot covers never reaches the bus.
  std::uint32_t read_memory(std::uint64_t address) {
    std::array<std::uint8_t, 4> data{};
    for (const auto& [slot, placed] : slots_.placed) {
      if (!placed.range.contains(Gpa(address))) continue;
      return load<std::uint32_t>(std::span(placed.host, placed.range.size), address - placed.range.start.value);
    }
    mmio_.read(address, data);
    return load<std::uint32_t>(data);
  }

  Journal journal_;
  FakeMemorySlots slots_{journal_};
  FakeInterruptRouter router_{journal_};
  Bus mmio_, ports_;
  std::uint64_t next_ = kWindow;  ///< past what was placed last
};

TEST_F(SubPageBars, OneThatComesLaterDoesNotEndUpBehindAnothersPage) {
  Card first(*this, 0x11111111), second(*this, 0x22222222);
  const std::uint64_t there = place(first, next_), here = place(second, next_);
  EXPECT_EQ(read_memory(there), 0x11111111u);
  EXPECT_EQ(read_memory(here), 0x22222222u);
  EXPECT_EQ(slots_.placed.size(), 2u) << "both are reached without an exit";
}

TEST_F(SubPageBars, OneThatIsTrappedAndOneThatIsNotKeepApart) {
  Card first(*this, 0x11111111), second(*this, 0x22222222);
  first.device.refuses_mapping = true;
  const std::uint64_t there = place(first, next_), here = place(second, next_);
  EXPECT_EQ(read_memory(there), 0x11111111u);
  EXPECT_EQ(read_memory(here), 0x22222222u);
}

TEST_F(SubPageBars, OneThatMovesBesideAnotherDoesNotTakeItsPage) {
  Card first(*this, 0x11111111), second(*this, 0x22222222);
  const std::uint64_t there = place(first, next_);
  place(second, next_ + 16 * kPageSize);
  const std::uint64_t moved = place(second, there + kSize);
  EXPECT_EQ(read_memory(there), 0x11111111u);
  EXPECT_EQ(read_memory(moved), 0x22222222u);
}

TEST_F(SubPageBars, ItIsAPageToTheGuest) {
  Card card(*this, 0x11111111);
  test::write_config<std::uint32_t>(*card.function, PCI_BASE_ADDRESS_0, ~0u);
  EXPECT_EQ(test::read_config<std::uint32_t>(*card.function, PCI_BASE_ADDRESS_0), 0xfffff000u);
}

TEST_F(SubPageBars, WhereItIsTrappedNothingAnswersPastItsEnd) {
  Card card(*this, 0x11111111);
  card.device.refuses_mapping = true;
  const std::uint64_t there = place(card, next_);
  EXPECT_EQ(read_memory(there + kSize - 4), 0u);
  EXPECT_EQ(read_memory(there + kSize), ~0u);
  EXPECT_EQ(read_memory(there + kPageSize - 4), ~0u);
}

TEST_F(SubPageBars, ATablePastItsEndIsRefusedAllTheSame) {
  const auto open = [this](std::uint32_t table) { Card(*this, 0, ConfigBuilder().msix(kMsix, 1, table, 0x40)); };
  EXPECT_NO_THROW(open(0x80));
  EXPECT_THAT(error_of([&] { open(kSize); }), HasSubstr("outside its BARs"));
}

}  // namespace
}  // namespace strait::vfio
