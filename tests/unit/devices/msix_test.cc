#include "devices/pci/msix.h"

#include <gtest/gtest.h>

#include <array>
#include <ostream>

#include "base/little_endian.h"

namespace strait::pci {

void PrintTo(const MessageEffect& effect, std::ostream* out) {
  constexpr const char* kNames[] = {"enable", "disable", "connect", "reroute", "disconnect"};
  *out << kNames[static_cast<int>(effect.kind)] << " " << effect.vector << " " << std::hex << effect.message.address << ":"
       << effect.message.data << std::dec;
}

namespace {

using Kind = MessageEffect::Kind;
using Effects = std::vector<MessageEffect>;

constexpr std::uint16_t kEnable = MsixState::kControlEnable;
constexpr std::uint16_t kMaskAll = MsixState::kControlFunctionMask;
constexpr MsiMessage kMessage{.address = 0xfee01000, .data = 0x4041};
constexpr MsiMessage kOther{.address = 0xfee02000, .data = 0x4042};

/// Every state here has four vectors.
MessageEffect enable() { return {.kind = Kind::kEnable, .vectors = 4}; }
MessageEffect disable() { return {.kind = Kind::kDisable}; }
MessageEffect connect(std::uint16_t vector, MsiMessage message) { return {Kind::kConnect, vector, message}; }
MessageEffect reroute(std::uint16_t vector, MsiMessage message) { return {Kind::kReroute, vector, message}; }
MessageEffect disconnect(std::uint16_t vector) { return {.kind = Kind::kDisconnect, .vector = vector}; }

template <typename T>
T read(const MsixState& state, std::uint32_t offset) {
  std::array<std::uint8_t, sizeof(T)> data{};
  state.read_table(offset, data);
  return load<T>(data);
}

template <typename T>
Effects write(MsixState& state, std::uint32_t offset, std::type_identity_t<T> value) {
  std::array<std::uint8_t, sizeof(T)> data{};
  store(std::span<std::uint8_t>(data), 0, value);
  return state.write_table(offset, data);
}

Effects set_mask(MsixState& state, std::uint32_t vector, bool masked) {
  return write<std::uint32_t>(state, vector * 16 + 12, masked ? 1 : 0);
}

/// Three dwords, as Linux writes them.
void set_message(MsixState& state, std::uint32_t vector, MsiMessage message) {
  write<std::uint32_t>(state, vector * 16, static_cast<std::uint32_t>(message.address));
  write<std::uint32_t>(state, vector * 16 + 4, static_cast<std::uint32_t>(message.address >> 32));
  write<std::uint32_t>(state, vector * 16 + 8, message.data);
}

/// MSI-X enabled, vector 1 of four connected with kMessage.
struct ConnectedMsix : testing::Test {
  ConnectedMsix() {
    state.write_control(kEnable);
    set_message(state, 1, kMessage);
    EXPECT_EQ(set_mask(state, 1, false), (Effects{connect(1, kMessage)}));
  }
  MsixState state{4};
};

TEST(MsixTable, StartsDisabledWithEveryVectorMasked) {
  const MsixState state(3);
  EXPECT_EQ(state.control(), 2);
  EXPECT_FALSE(state.enabled());
  for (std::uint16_t vector = 0; vector < 3; ++vector) {
    EXPECT_FALSE(state.connected(vector));
    EXPECT_EQ(read<std::uint64_t>(state, vector * 16u), 0u);
    EXPECT_EQ(read<std::uint64_t>(state, vector * 16u + 8), 1ull << 32);
  }
}

TEST(MsixTable, VectorCountIsKeptWithinTheSpecifications) {
  EXPECT_EQ(MsixState(0).vectors(), 1);
  EXPECT_EQ(MsixState(2048).control(), 2047);
  EXPECT_EQ(MsixState(0xffff).vectors(), 2048);
}

TEST(MsixTable, LinuxStartUpConnectsEachVectorAsItIsUnmasked) {
  MsixState state(4);
  EXPECT_EQ(state.write_control(kEnable | kMaskAll), (Effects{enable()}));
  for (std::uint32_t vector = 0; vector < 4; ++vector) EXPECT_EQ(set_mask(state, vector, true), Effects{});
  EXPECT_EQ(state.write_control(kEnable), Effects{});
  set_message(state, 2, kMessage);
  EXPECT_EQ(set_mask(state, 2, false), (Effects{connect(2, kMessage)}));
  EXPECT_TRUE(state.connected(2));
  EXPECT_FALSE(state.connected(1));
}

TEST(MsixTable, EnablingConnectsWhatWasUnmaskedBefore) {
  MsixState state(4);
  set_message(state, 0, kMessage);
  set_message(state, 3, kOther);
  EXPECT_EQ(set_mask(state, 0, false), Effects{});
  EXPECT_EQ(set_mask(state, 3, false), Effects{});
  EXPECT_EQ(state.write_control(kEnable), (Effects{enable(), connect(0, kMessage), connect(3, kOther)}));
}

TEST_F(ConnectedMsix, DisablingDisconnectsFirst) {
  EXPECT_EQ(state.write_control(0), (Effects{disconnect(1), disable()}));
  EXPECT_EQ(state.write_control(0), Effects{});
  EXPECT_EQ(state.write_control(kEnable), (Effects{enable(), connect(1, kMessage)}));
}

TEST_F(ConnectedMsix, FunctionMaskDisconnectsAndReconnectsWithoutDisabling) {
  EXPECT_EQ(state.write_control(kEnable | kMaskAll), (Effects{disconnect(1)}));
  EXPECT_TRUE(state.enabled());
  EXPECT_EQ(set_mask(state, 1, true), Effects{});
  EXPECT_EQ(set_mask(state, 1, false), Effects{});
  EXPECT_EQ(state.write_control(kEnable), (Effects{connect(1, kMessage)}));
}

TEST_F(ConnectedMsix, DisablingAndMaskingInOneWriteThenEnablingMaskedConnectsNothing) {
  EXPECT_EQ(state.write_control(kMaskAll), (Effects{disconnect(1), disable()}));
  EXPECT_EQ(state.write_control(kEnable | kMaskAll), (Effects{enable()}));
  EXPECT_EQ(state.control(), kEnable | kMaskAll | 3);
}

TEST_F(ConnectedMsix, MaskToggleIsOneEffectEachAndKeepsTheMessage) {
  EXPECT_EQ(set_mask(state, 1, true), (Effects{disconnect(1)}));
  EXPECT_EQ(set_mask(state, 1, true), Effects{});
  EXPECT_EQ(set_mask(state, 1, false), (Effects{connect(1, kMessage)}));
  EXPECT_EQ(set_mask(state, 1, false), Effects{});
}

TEST_F(ConnectedMsix, MessageChangedWhileMaskedIsUsedOnUnmask) {
  set_mask(state, 1, true);
  set_message(state, 1, kOther);
  EXPECT_EQ(set_mask(state, 1, false), (Effects{connect(1, kOther)}));
}

TEST_F(ConnectedMsix, MessageChangedWhileConnectedIsRerouted) {
  EXPECT_EQ(write<std::uint32_t>(state, 24, kOther.data), (Effects{reroute(1, {kMessage.address, kOther.data})}));
  EXPECT_EQ(write<std::uint64_t>(state, 16, kOther.address), (Effects{reroute(1, kOther)}));
  EXPECT_EQ(write<std::uint64_t>(state, 16, kOther.address), Effects{}) << "nothing changed";
}

TEST_F(ConnectedMsix, OneWriteOfMessageAndMaskIsOneEffect) {
  const auto entry = [](MsiMessage message, bool masked) {
    std::array<std::uint8_t, 16> bytes{};
    store(std::span<std::uint8_t>(bytes), 0, message.address);
    store(std::span<std::uint8_t>(bytes), 8, message.data);
    bytes[12] = masked ? 1 : 0;
    return bytes;
  };
  EXPECT_EQ(state.write_table(16, entry(kOther, true)), (Effects{disconnect(1)}));
  EXPECT_EQ(state.write_table(16, entry(kMessage, false)), (Effects{connect(1, kMessage)}));
  EXPECT_EQ(state.write_table(16, entry(kOther, false)), (Effects{reroute(1, kOther)}));
  EXPECT_EQ(write<std::uint64_t>(state, 24, 1ull << 32 | kMessage.data), (Effects{disconnect(1)}));
  EXPECT_EQ(write<std::uint64_t>(state, 24, kMessage.data), (Effects{connect(1, {kOther.address, kMessage.data})}));
}

TEST_F(ConnectedMsix, WriteAcrossTwoEntriesSettlesBoth) {
  std::array<std::uint8_t, 8> zeros{};
  EXPECT_EQ(write<std::uint32_t>(state, 28, 1), (Effects{disconnect(1)}));
  EXPECT_EQ(state.write_table(28, zeros), (Effects{connect(1, kMessage)})) << "mask of 1, low address of 2";
  EXPECT_EQ(set_mask(state, 2, false), (Effects{connect(2, {})}));
}

TEST_F(ConnectedMsix, ResetDisconnectsDisablesAndMasks) {
  EXPECT_EQ(state.reset(), (Effects{disconnect(1), disable()}));
  EXPECT_EQ(state.reset(), Effects{});
  EXPECT_EQ(state.control(), 3);
  EXPECT_EQ(read<std::uint32_t>(state, 16), 0u);
  EXPECT_EQ(read<std::uint32_t>(state, 28), 1u);
}

TEST(MsixTable, ReservedBitsReadAsZero) {
  MsixState state(2);
  write<std::uint32_t>(state, 16, 0xffffffff);
  write<std::uint32_t>(state, 28, 0xfffffffe);
  EXPECT_EQ(read<std::uint32_t>(state, 16), 0xfffffffcu);
  EXPECT_EQ(read<std::uint32_t>(state, 28), 0u);
}

TEST(MsixTable, OddWritesAreMergedByteByByte) {
  MsixState state(1);
  write<std::uint64_t>(state, 0, 0x1122334455667788);
  write<std::uint8_t>(state, 3, 0xee);
  write<std::uint16_t>(state, 5, 0xaabb);
  EXPECT_EQ(read<std::uint64_t>(state, 0), 0x11aabb44ee667788u);
  EXPECT_EQ(read<std::uint16_t>(state, 3), 0x44ee);
}

TEST(MsixTable, AccessesPastTheEndReadAsOnesAndAreDropped) {
  MsixState state(1);
  EXPECT_EQ(write<std::uint64_t>(state, 12, 0), Effects{});
  EXPECT_EQ(read<std::uint32_t>(state, 12), 0u);
  EXPECT_EQ(read<std::uint64_t>(state, 12), 0xffffffff00000000u);
  EXPECT_FALSE(state.connected(1));
}

TEST(MsixControl, ReadOnlyBitsAreIgnored) {
  MsixState state(4);
  state.write_control(0x3fff);
  EXPECT_EQ(state.control(), 3);
}

TEST_F(ConnectedMsix, MaskedVectorStaysPendingUntilUnmasked) {
  bool fired = true;
  const auto pending = [&](std::uint16_t vector) { return vector == 1 && fired; };
  std::array<std::uint8_t, 8> pba{};
  set_mask(state, 1, true);
  state.read_pba(0, pba, pending);
  EXPECT_EQ(load<std::uint64_t>(pba), 2u);

  EXPECT_EQ(set_mask(state, 1, false), (Effects{connect(1, kMessage)})) << "what is pending fires with the connection";
  state.read_pba(0, pba, pending);
  EXPECT_EQ(load<std::uint64_t>(pba), 0u);
}

TEST_F(ConnectedMsix, PendingIsAskedOnlyForVectorsThatAreNotConnected) {
  std::vector<int> asked;
  std::array<std::uint8_t, 1> byte{};
  state.read_pba(0, byte, [&](std::uint16_t vector) { return asked.push_back(vector), true; });
  EXPECT_EQ(asked, (std::vector<int>{0, 2, 3}));
  EXPECT_EQ(byte[0], 0x0d) << "no bits past the last vector";
}

TEST(MsixPba, AnswersAnyLengthAndAlignment) {
  const MsixState state(70);
  const auto odd = [](std::uint16_t vector) { return vector % 2 == 1; };
  std::array<std::uint8_t, 16> all{};
  state.read_pba(0, all, odd);
  EXPECT_EQ(load<std::uint64_t>(all), 0xaaaaaaaaaaaaaaaau);
  EXPECT_EQ(load<std::uint64_t>(all, 8), 0x2au);
  for (std::uint32_t offset = 0; offset < 16; ++offset) {
    for (std::uint32_t length = 1; offset + length <= 16; ++length) {
      std::vector<std::uint8_t> part(length);
      state.read_pba(offset, part, odd);
      EXPECT_TRUE(std::equal(part.begin(), part.end(), all.begin() + offset));
    }
  }
}

}  // namespace
}  // namespace strait::pci
