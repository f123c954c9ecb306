#include "devices/pci/root_bus.h"

#include <gtest/gtest.h>
#include <linux/pci_regs.h>

#include <vector>

#include "devices/pci/config_space.h"
#include "devices/pci/host_bridge.h"
#include "tests/unit/devices/access.h"

namespace strait::pci {
namespace {

using test::read;
using test::write;

constexpr std::uint64_t kAddress = 0;
constexpr std::uint64_t kData = 4;

/// A function whose registers are all writable, and which checks what function.h promises it.
struct Registers : Function {
  explicit Registers(std::uint32_t identity) {
    for (std::uint16_t offset = 0; offset < ConfigSpace::kSize; offset += 4) config.set_writable<std::uint32_t>(offset, ~0u);
    config.set<std::uint32_t>(0, identity);
  }
  void read_config(std::uint16_t offset, std::span<std::uint8_t> data) override {
    check(offset, data.size());
    config.read(offset, data);
  }
  void write_config(std::uint16_t offset, std::span<const std::uint8_t> data) override {
    check(offset, data.size());
    config.write(offset, data);
  }
  void check(std::uint16_t offset, std::size_t size) {
    EXPECT_TRUE(size == 1 || size == 2 || size == 4);
    EXPECT_EQ(offset % size, 0u);
    EXPECT_LE(offset + size, ConfigSpace::kSize);
    ++accesses;
  }
  ConfigSpace config;
  int accesses = 0;
};

constexpr std::uint32_t cf8(unsigned device, unsigned function, unsigned offset, unsigned bus = 0) {
  return 0x80000000u | bus << 16 | device << 11 | function << 8 | offset;
}
constexpr std::uint64_t ecam(unsigned device, unsigned function, unsigned offset) {
  return std::uint64_t{device} << 15 | std::uint64_t{function} << 12 | offset;
}

struct RootBusTest : testing::Test {
  RootBusTest() {
    EXPECT_TRUE(bus.attach(0, 0, bridge));
    EXPECT_TRUE(bus.attach(3, 0, first));
    EXPECT_TRUE(bus.attach(3, 5, second));
    EXPECT_TRUE(bus.attach(7, 1, orphan));
  }
  template <typename T>
  T port_read(std::uint32_t address, unsigned lane = 0) {
    write<std::uint32_t>(bus.ports(), kAddress, address);
    return read<T>(bus.ports(), kData + lane);
  }

  HostBridge bridge;
  Registers first{0x10ed8086}, second{0x22222222}, orphan{0x33333333};
  RootBus bus;
};

TEST_F(RootBusTest, BothDoorsReachTheSameRegisters) {
  EXPECT_EQ(port_read<std::uint32_t>(cf8(3, 0, 0)), 0x10ed8086u);
  EXPECT_EQ(read<std::uint32_t>(bus.ecam(), ecam(3, 0, 0)), 0x10ed8086u);
  EXPECT_EQ(read<std::uint32_t>(bus.ecam(), ecam(3, 5, 0)), 0x22222222u);
  write<std::uint32_t>(bus.ports(), kAddress, cf8(3, 5, 0x40));
  write<std::uint32_t>(bus.ports(), kData, 0xabcdef01);
  EXPECT_EQ(read<std::uint32_t>(bus.ecam(), ecam(3, 5, 0x40)), 0xabcdef01u);
}

TEST_F(RootBusTest, DataPortTakesBytesWordsAndDwords) {
  first.config.set<std::uint32_t>(0x40, 0x44332211);
  for (unsigned lane = 0; lane < 4; ++lane) EXPECT_EQ(port_read<std::uint8_t>(cf8(3, 0, 0x40), lane), 0x11 * (lane + 1));
  EXPECT_EQ(port_read<std::uint16_t>(cf8(3, 0, 0x40), 0), 0x2211);
  EXPECT_EQ(port_read<std::uint16_t>(cf8(3, 0, 0x40), 2), 0x4433);
  EXPECT_EQ(port_read<std::uint16_t>(cf8(3, 0, 0x40), 1), 0xffff) << "not aligned";
  write<std::uint8_t>(bus.ports(), kData + 3, 0x99);
  EXPECT_EQ(first.config.get<std::uint32_t>(0x40), 0x99332211u);
  write<std::uint16_t>(bus.ports(), kData, 0x7766);
  EXPECT_EQ(first.config.get<std::uint32_t>(0x40), 0x99337766u);
}

TEST_F(RootBusTest, AddressRegisterLatchesDwordsOnly) {
  write<std::uint32_t>(bus.ports(), kAddress, cf8(3, 0, 0x43));
  EXPECT_EQ(read<std::uint32_t>(bus.ports(), kAddress), cf8(3, 0, 0x40)) << "bits 1:0 are zero";
  write<std::uint8_t>(bus.ports(), kAddress + 3, 0x01);
  write<std::uint16_t>(bus.ports(), kAddress, 0xffff);
  EXPECT_EQ(read<std::uint32_t>(bus.ports(), kAddress), cf8(3, 0, 0x40));
  EXPECT_EQ(read<std::uint8_t>(bus.ports(), kAddress), 0xff);
  EXPECT_EQ(read<std::uint16_t>(bus.ports(), kAddress + 2), 0xffff);
}

TEST_F(RootBusTest, LinuxFindsMechanismOne) {
  write<std::uint8_t>(bus.ports(), kAddress + 3, 0x01);
  const auto saved = read<std::uint32_t>(bus.ports(), kAddress);
  write<std::uint32_t>(bus.ports(), kAddress, 0x80000000);
  EXPECT_EQ(read<std::uint32_t>(bus.ports(), kAddress), 0x80000000u);
  EXPECT_EQ(port_read<std::uint16_t>(cf8(0, 0, PCI_CLASS_DEVICE & ~3u), 2), 0x0600);
  write<std::uint32_t>(bus.ports(), kAddress, saved);
}

TEST_F(RootBusTest, NothingAnswersWithoutEnableOnAnotherBusOrWithReservedBits) {
  EXPECT_EQ(port_read<std::uint32_t>(cf8(3, 0, 0) & 0x7fffffff), 0xffffffffu);
  EXPECT_EQ(port_read<std::uint32_t>(cf8(3, 0, 0, 1)), 0xffffffffu);
  EXPECT_EQ(port_read<std::uint32_t>(cf8(3, 0, 0) | 0x01000000), 0xffffffffu);
  EXPECT_EQ(port_read<std::uint64_t>(cf8(3, 0, 0)), ~std::uint64_t{0});
  EXPECT_EQ(first.accesses, 0);
}

TEST_F(RootBusTest, AbsentFunctionsReadAsOnes) {
  EXPECT_EQ(port_read<std::uint32_t>(cf8(4, 0, 0)), 0xffffffffu);
  EXPECT_EQ(port_read<std::uint32_t>(cf8(3, 1, 0)), 0xffffffffu);
  EXPECT_EQ(read<std::uint32_t>(bus.ecam(), ecam(31, 7, 0xffc)), 0xffffffffu);
  write<std::uint32_t>(bus.ecam(), ecam(31, 7, 0xffc), 0);
  EXPECT_EQ(bus.absent(), 4u);
}

TEST_F(RootBusTest, FunctionsWithoutAFunctionZeroDoNotAnswer) {
  EXPECT_EQ(read<std::uint32_t>(bus.ecam(), ecam(7, 1, 0)), 0xffffffffu);
  write<std::uint32_t>(bus.ecam(), ecam(7, 1, 0), 0);
  EXPECT_EQ(orphan.accesses, 0);
  Registers zero(0x44444444);
  ASSERT_TRUE(bus.attach(7, 0, zero));
  EXPECT_EQ(read<std::uint32_t>(bus.ecam(), ecam(7, 1, 0)), 0x33333333u);
}

TEST_F(RootBusTest, EcamReachesAllFourKibibytes) {
  write<std::uint32_t>(bus.ecam(), ecam(3, 0, 0xffc), 0x12345678);
  EXPECT_EQ(first.config.get<std::uint32_t>(0xffc), 0x12345678u);
  EXPECT_EQ(read<std::uint8_t>(bus.ecam(), ecam(3, 0, 0xfff)), 0x12);
}

TEST_F(RootBusTest, EcamSplitsQuadwordsAndRefusesWhatIsNotAligned) {
  write<std::uint64_t>(bus.ecam(), ecam(3, 0, 0x100), 0x1122334455667788);
  EXPECT_EQ(first.accesses, 2);
  EXPECT_EQ(first.config.get<std::uint32_t>(0x104), 0x11223344u);
  EXPECT_EQ(read<std::uint64_t>(bus.ecam(), ecam(3, 0, 0x100)), 0x1122334455667788u);

  first.accesses = 0;
  EXPECT_EQ(read<std::uint64_t>(bus.ecam(), ecam(3, 0, 0x104)), ~std::uint64_t{0});
  EXPECT_EQ(read<std::uint32_t>(bus.ecam(), ecam(3, 0, 0x102)), 0xffffffffu);
  EXPECT_EQ(read<std::uint16_t>(bus.ecam(), ecam(3, 0, 0x101)), 0xffff);
  write<std::uint32_t>(bus.ecam(), ecam(3, 0, 0x102), 0);
  for (const std::size_t length : {3u, 5u, 6u, 7u}) {
    std::vector<std::uint8_t> data(length);
    bus.ecam().read(ecam(3, 0, 0x100), data);
    EXPECT_EQ(data, std::vector<std::uint8_t>(length, 0xff));
    bus.ecam().write(ecam(3, 0, 0x100), data);
  }
  EXPECT_EQ(first.accesses, 0);
}

TEST_F(RootBusTest, PlacesAreTakenOnce) {
  EXPECT_FALSE(bus.attach(3, 0, second));
  EXPECT_FALSE(bus.attach(32, 0, second));
  EXPECT_FALSE(bus.attach(0, 8, second));
  bus.detach(32, 0);
  bus.detach(0, 8);
  bus.detach(3, 0);
  EXPECT_EQ(read<std::uint32_t>(bus.ecam(), ecam(3, 5, 0)), 0xffffffffu) << "function 0 is gone";
  EXPECT_TRUE(bus.attach(3, 0, first));
}

TEST_F(RootBusTest, CountsConfigurationAccesses) {
  port_read<std::uint32_t>(cf8(3, 0, 0));
  read<std::uint64_t>(bus.ecam(), ecam(3, 0, 0));
  write<std::uint8_t>(bus.ecam(), ecam(3, 0, 0x50), 1);
  EXPECT_EQ(bus.reads(), 3u);
  EXPECT_EQ(bus.writes(), 1u);
  EXPECT_EQ(bus.absent(), 0u);
}

TEST_F(RootBusTest, ResetClearsTheAddressRegister) {
  write<std::uint32_t>(bus.ports(), kAddress, cf8(3, 0, 0));
  bus.reset();
  EXPECT_EQ(read<std::uint32_t>(bus.ports(), kAddress), 0u);
  EXPECT_EQ(read<std::uint32_t>(bus.ports(), kData), 0xffffffffu);
}

TEST_F(RootBusTest, HostBridgeIsReadOnly) {
  const auto identity = read<std::uint32_t>(bus.ecam(), 0);
  EXPECT_EQ(identity, 0x00081b36u);
  for (unsigned offset = 0; offset < 0x1000; offset += 4) {
    const auto before = read<std::uint32_t>(bus.ecam(), ecam(0, 0, offset));
    write<std::uint32_t>(bus.ecam(), ecam(0, 0, offset), ~before);
    EXPECT_EQ(read<std::uint32_t>(bus.ecam(), ecam(0, 0, offset)), before);
  }
  EXPECT_EQ(read<std::uint8_t>(bus.ecam(), PCI_HEADER_TYPE), 0);
  EXPECT_EQ(read<std::uint16_t>(bus.ecam(), PCI_CLASS_DEVICE), 0x0600);
}

}  // namespace
}  // namespace strait::pci
