#include "devices/pci/config_space.h"

#include <gtest/gtest.h>

#include <array>

namespace strait::pci {
namespace {

TEST(ConfigSpace, IsZeroAndReadOnlyAtFirst) {
  ConfigSpace config;
  config.write(0x10, std::array<std::uint8_t, 4>{0xff, 0xff, 0xff, 0xff});
  std::array<std::uint8_t, 4> data{1, 2, 3, 4};
  config.read(0x10, data);
  EXPECT_EQ(data, (std::array<std::uint8_t, 4>{}));
}

TEST(ConfigSpace, GuestChangesOnlyWritableBits) {
  ConfigSpace config;
  config.set<std::uint16_t>(0x04, 0x8001);
  config.set_writable<std::uint16_t>(0x04, 0x0406);
  config.write(0x04, std::array<std::uint8_t, 2>{0xff, 0xff});
  EXPECT_EQ(config.get<std::uint16_t>(0x04), 0x8407);
  config.write(0x05, std::array<std::uint8_t, 1>{0x00});
  EXPECT_EQ(config.get<std::uint16_t>(0x04), 0x8007);
}

TEST(ConfigSpace, OwnerWritesWhateverTheMaskSays) {
  ConfigSpace config;
  config.set<std::uint32_t>(0xffc, 0x12345678);
  EXPECT_EQ(config.get<std::uint32_t>(0xffc), 0x12345678u);
  EXPECT_EQ(config.bytes()[0xfff], 0x12);
}

TEST(ConfigSpace, AccessesPastTheEndReadAsOnesAndAreDropped) {
  ConfigSpace config;
  config.set_writable<std::uint16_t>(0xffe, 0xffff);
  config.write(0xffe, std::array<std::uint8_t, 4>{1, 2, 3, 4});
  std::array<std::uint8_t, 4> data{};
  config.read(0xffe, data);
  EXPECT_EQ(data, (std::array<std::uint8_t, 4>{1, 2, 0xff, 0xff}));
}

}  // namespace
}  // namespace strait::pci
