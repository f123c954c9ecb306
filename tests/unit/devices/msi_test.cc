#include "devices/pci/msi.h"

#include <gtest/gtest.h>
#include <linux/pci_regs.h>

#include <random>

#include "base/little_endian.h"

namespace strait::pci {
namespace {

using Effects = std::vector<MessageEffect>;
using Kind = MessageEffect::Kind;

constexpr MsiLayout kPlain{.vectors = 1, .wide = false, .maskable = false};
constexpr MsiLayout kFull{.vectors = 8, .wide = true, .maskable = true};

bool never(std::uint16_t) { return false; }

/// The state with accessors by register.
struct Msi : MsiState {
  using MsiState::MsiState;
  template <typename T>
  Effects put(std::uint16_t offset, std::type_identity_t<T> value) {
    std::array<std::uint8_t, sizeof(T)> data{};
    store(std::span<std::uint8_t>(data), 0, value);
    return write(offset, data);
  }
  template <typename T>
  T get(std::uint16_t offset, const std::function<bool(std::uint16_t)>& pending = never) const {
    std::array<std::uint8_t, sizeof(T)> data{};
    read(offset, data, pending);
    return load<T>(data);
  }
  /// Message and enable bit, with `log2` of the number of vectors.
  Effects enable(unsigned log2 = 0) {
    put<std::uint32_t>(PCI_MSI_ADDRESS_LO, 0xfee01000);
    put<std::uint16_t>(layout().wide ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32, 0x4041);
    return put<std::uint16_t>(PCI_MSI_FLAGS, static_cast<std::uint16_t>(PCI_MSI_FLAGS_ENABLE | log2 << 4));
  }
};

MessageEffect connect(std::uint16_t vector, std::uint32_t data, std::uint64_t address = 0xfee01000) {
  return {.kind = Kind::kConnect, .vector = vector, .message = {.address = address, .data = data}};
}

TEST(MsiLayout, IsDecodedFromTheControlWord) {
  EXPECT_EQ(decode_msi_control(0), kPlain);
  EXPECT_EQ(decode_msi_control(PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT | 3 << 1), kFull);
  EXPECT_EQ(decode_msi_control(7 << 1).vectors, 32) << "reserved";
  EXPECT_EQ(kPlain.size(), 10);
  EXPECT_EQ((MsiLayout{.vectors = 1, .wide = true, .maskable = false}).size(), 14);
  EXPECT_EQ((MsiLayout{.vectors = 1, .wide = false, .maskable = true}).size(), 20);
  EXPECT_EQ(kFull.size(), 24);
}

TEST(Msi, ControlShowsWhatTheFunctionCan) {
  EXPECT_EQ(Msi(kPlain).get<std::uint16_t>(PCI_MSI_FLAGS), 0);
  EXPECT_EQ(Msi(kFull).get<std::uint16_t>(PCI_MSI_FLAGS), PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT | 3 << 1);
}

TEST(Msi, OnlyWritableBitsChange) {
  Msi msi(kFull);
  msi.put<std::uint16_t>(PCI_MSI_FLAGS, 0xfffe);
  EXPECT_EQ(msi.get<std::uint16_t>(PCI_MSI_FLAGS), PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT | 3 << 1 | PCI_MSI_FLAGS_QSIZE);
  msi.put<std::uint32_t>(PCI_MSI_ADDRESS_LO, 0xffffffff);
  EXPECT_EQ(msi.get<std::uint32_t>(PCI_MSI_ADDRESS_LO), 0xfffffffcu);
  msi.put<std::uint32_t>(PCI_MSI_DATA_64, 0xffffffff);
  EXPECT_EQ(msi.get<std::uint32_t>(PCI_MSI_DATA_64), 0xffffu);
  msi.put<std::uint32_t>(PCI_MSI_MASK_64, 0xffffffff);
  EXPECT_EQ(msi.get<std::uint32_t>(PCI_MSI_MASK_64), 0xffu) << "a bit for each vector that there is";
  msi.put<std::uint32_t>(PCI_MSI_PENDING_64, 0xffffffff);
  EXPECT_EQ(msi.get<std::uint32_t>(PCI_MSI_PENDING_64), 0u);
}

TEST(Msi, ANarrowFunctionHasItsDataWhereWideOnesHaveTheUpperAddress) {
  Msi msi(kPlain);
  msi.put<std::uint16_t>(PCI_MSI_DATA_32, 0x1234);
  EXPECT_EQ(msi.get<std::uint16_t>(PCI_MSI_DATA_32), 0x1234);
  EXPECT_EQ(msi.enable(), (Effects{{.kind = Kind::kEnable, .vectors = 1}, connect(0, 0x4041)}));
}

TEST(Msi, NothingHappensBeforeItIsEnabled) {
  Msi msi(kFull);
  EXPECT_EQ(msi.put<std::uint32_t>(PCI_MSI_ADDRESS_LO, 0xfee00000), Effects{});
  EXPECT_EQ(msi.put<std::uint16_t>(PCI_MSI_DATA_64, 0x41), Effects{});
  EXPECT_EQ(msi.put<std::uint32_t>(PCI_MSI_MASK_64, 1), Effects{});
  EXPECT_FALSE(msi.enabled());
}

TEST(Msi, SeveralVectorsDifferInTheLowBitsOfTheData) {
  Msi msi(kFull);
  EXPECT_EQ(msi.enable(2), (Effects{{.kind = Kind::kEnable, .vectors = 4}, connect(0, 0x4040), connect(1, 0x4041), connect(2, 0x4042),
                                    connect(3, 0x4043)}));
}

TEST(Msi, MoreVectorsThanThereAreAreNotToBeHad) {
  Msi msi(kPlain);
  EXPECT_EQ(msi.enable(5), (Effects{{.kind = Kind::kEnable, .vectors = 1}, connect(0, 0x4041)}));
}

TEST(Msi, TheUpperHalfOfTheAddressCounts) {
  Msi msi(kFull);
  msi.put<std::uint32_t>(PCI_MSI_ADDRESS_HI, 1);
  EXPECT_EQ(msi.enable().back(), connect(0, 0x4041, 0x1'fee01000));
}

TEST(Msi, DisablingDisconnectsFirst) {
  Msi msi(kFull);
  msi.enable(1);
  EXPECT_EQ(msi.put<std::uint8_t>(PCI_MSI_FLAGS, 0),
            (Effects{{.kind = Kind::kDisconnect, .vector = 0}, {.kind = Kind::kDisconnect, .vector = 1}, {.kind = Kind::kDisable}}));
  EXPECT_EQ(msi.reset(), Effects{});
}

TEST(Msi, AMaskDisconnectsAndUnmaskingConnects) {
  Msi msi(kFull);
  msi.enable(1);
  EXPECT_EQ(msi.put<std::uint32_t>(PCI_MSI_MASK_64, 2), (Effects{{.kind = Kind::kDisconnect, .vector = 1}}));
  EXPECT_EQ(msi.put<std::uint32_t>(PCI_MSI_MASK_64, 2), Effects{});
  EXPECT_EQ(msi.get<std::uint32_t>(PCI_MSI_PENDING_64, [](std::uint16_t) { return true; }), 0xfeu) << "what is connected is never pending";
  EXPECT_EQ(msi.put<std::uint32_t>(PCI_MSI_MASK_64, 0), (Effects{connect(1, 0x4041)}));
}

TEST(Msi, ANewMessageReroutesWhatIsConnected) {
  Msi msi(kFull);
  msi.enable(1);
  msi.put<std::uint32_t>(PCI_MSI_MASK_64, 2);
  EXPECT_EQ(msi.put<std::uint16_t>(PCI_MSI_DATA_64, 0x50),
            (Effects{{.kind = Kind::kReroute, .vector = 0, .message = {.address = 0xfee01000, .data = 0x50}}}));
  EXPECT_EQ(msi.put<std::uint32_t>(PCI_MSI_MASK_64, 0), (Effects{connect(1, 0x51)}));
}

TEST(Msi, AnotherNumberOfVectorsMeansAllAnew) {
  Msi msi(kFull);
  msi.enable(0);
  EXPECT_EQ(msi.put<std::uint16_t>(PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE | 1 << 4),
            (Effects{{.kind = Kind::kDisconnect, .vector = 0}, {.kind = Kind::kDisable}, {.kind = Kind::kEnable, .vectors = 2},
                     connect(0, 0x4040), connect(1, 0x4041)}));
}

/// Whatever is written: what is connected according to the effects is what has to be, by the registers as they are read.
TEST(Msi, RandomWritesKeepEffectsAndRegistersInStep) {
  std::mt19937 random(1);
  for (const MsiLayout& layout : {kPlain, kFull, MsiLayout{.vectors = 32, .wide = false, .maskable = true}}) {
    Msi msi(layout);
    std::uint32_t connected = 0;
    unsigned allocated = 0;
    for (int i = 0; i < 100'000; ++i) {
      const auto size = static_cast<std::uint16_t>(1u << random() % 3);
      const auto offset = static_cast<std::uint16_t>(random() % (layout.size() / size + 1) * size);
      std::array<std::uint8_t, 4> bytes{};
      for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random() % 4 == 0 ? 0 : random());
      for (const MessageEffect& effect : msi.write(std::max<std::uint16_t>(offset, 2), std::span(bytes).first(size))) {
        const std::uint32_t bit = 1u << effect.vector;
        switch (effect.kind) {
          case Kind::kEnable: ASSERT_EQ(allocated, 0u); allocated = effect.vectors; break;
          case Kind::kDisable: ASSERT_EQ(connected, 0u); allocated = 0; break;
          case Kind::kConnect: ASSERT_FALSE(connected & bit); ASSERT_LT(effect.vector, allocated); connected |= bit; break;
          case Kind::kReroute: ASSERT_TRUE(connected & bit); break;
          case Kind::kDisconnect: ASSERT_TRUE(connected & bit); connected &= ~bit; break;
        }
      }
      const auto control = msi.get<std::uint16_t>(PCI_MSI_FLAGS);
      const unsigned wanted = (control & PCI_MSI_FLAGS_ENABLE) != 0 ? std::min<unsigned>(1u << (control >> 4 & 7), layout.vectors) : 0;
      const std::uint32_t masks = layout.maskable ? msi.get<std::uint32_t>(layout.wide ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32) : 0;
      ASSERT_EQ(allocated, wanted);
      ASSERT_EQ(connected, wanted >= 32 ? ~masks : ((1u << wanted) - 1) & ~masks);
    }
  }
}

}  // namespace
}  // namespace strait::pci
