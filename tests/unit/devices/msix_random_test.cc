#include <gtest/gtest.h>

#include <array>
#include <random>

#include "tests/unit/devices/msix_reference.h"

namespace strait::pci::test {
namespace {

std::vector<std::uint8_t> table_of(const MsixState& state) {
  std::vector<std::uint8_t> bytes(state.vectors() * std::size_t{16});
  state.read_table(0, bytes);
  return bytes;
}

TEST(MsixRandom, HundredThousandOperationsAgreeWithTheReference) {
  std::mt19937 random(20240607);
  int operations = 0;
  constexpr std::array<std::uint16_t, 7> kTableSizes = {1, 2, 3, 10, 64, 65, 2048};
  for (const std::uint16_t vectors : kTableSizes) {
    MsixState state(vectors);
    MsixReference reference(vectors);
    PaperDevice device;
    std::vector<bool> pending(vectors);

    // Each looks at the whole table.
    const int rounds = vectors < 100 ? 20'000 : 2'000;
    for (int i = 0; i < rounds; ++i, ++operations) {
      const auto choice = random() % 100;
      if (choice < 10) {
        // Mostly enabled and unmasked, so that what vectors do shows.
        const auto value = static_cast<std::uint16_t>(random() % 4 == 0 ? random() : 0x8000);
        device.apply(state.write_control(value));
        reference.write_control(value);
      } else if (choice < 11) {
        device.apply(state.reset());
        reference.reset();
      } else if (choice < 40) {
        const std::size_t offset = random() % vectors * 16u + 12;
        const std::array<std::uint8_t, 4> mask = {static_cast<std::uint8_t>(random()), 0, 0, 0};
        device.apply(state.write_table(static_cast<std::uint32_t>(offset), mask));
        reference.write_table(offset, mask);
      } else if (choice < 90) {
        std::array<std::uint8_t, 16> data;
        for (auto& byte : data) byte = static_cast<std::uint8_t>(random() % 3);
        const std::size_t length = 1 + random() % data.size();
        const std::size_t offset = random() % (vectors * 16u);
        device.apply(state.write_table(static_cast<std::uint32_t>(offset), std::span(data).first(length)));
        reference.write_table(offset, std::span(data).first(length));
      } else {
        pending[random() % vectors] = random() % 2 == 0;
        std::vector<std::uint8_t> pba((vectors + 63u) / 64u * 8u);
        state.read_pba(0, pba, [&](std::uint16_t vector) { return pending[vector]; });
        ASSERT_EQ(pba, reference.pba(pending)) << "operation " << operations;
      }
      ASSERT_EQ(device.error, "") << "operation " << operations;
      ASSERT_EQ(device.enabled, reference.enabled()) << "operation " << operations;
      ASSERT_EQ(device.connected, reference.all_live()) << "operation " << operations;
      ASSERT_EQ(state.control(), reference.control()) << "operation " << operations;
      ASSERT_EQ(table_of(state), reference.table()) << "operation " << operations;
    }
  }
  EXPECT_GE(operations, 100'000);
}

}  // namespace
}  // namespace strait::pci::test
