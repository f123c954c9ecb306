#include "devices/pci/capabilities.h"

#include <gtest/gtest.h>
#include <linux/pci_regs.h>

#include <array>
#include <initializer_list>

#include "base/little_endian.h"

namespace strait::pci {
namespace {

/// A function's configuration space, empty but for what a test puts there.
struct Config {
  std::array<std::uint8_t, 4096> bytes{};

  /// Starts the standard list at `first`.
  explicit Config(std::uint8_t first = 0) {
    if (first == 0) return;
    bytes[PCI_STATUS] = PCI_STATUS_CAP_LIST;
    bytes[PCI_CAPABILITY_LIST] = first;
  }
  Config& standard(std::uint8_t offset, std::uint8_t id, std::uint8_t next, std::uint16_t flags = 0) {
    bytes[offset] = id;
    bytes[offset + 1u] = next;
    return put<std::uint16_t>(offset + 2u, flags);
  }
  Config& extended(std::uint16_t offset, std::uint16_t id, std::uint16_t next, std::uint8_t version = 1) {
    return put<std::uint32_t>(offset, id | std::uint32_t{version} << 16 | std::uint32_t{next} << 20);
  }
  template <typename T>
  Config& put(std::size_t offset, std::type_identity_t<T> value) {
    store(std::span<std::uint8_t>(bytes), offset, value);
    return *this;
  }
  std::uint32_t dword(std::size_t offset) const { return load<std::uint32_t>(bytes, offset); }
};

std::vector<std::uint16_t> ids(const std::vector<Capability>& list) {
  std::vector<std::uint16_t> result;
  for (const Capability& capability : list) result.push_back(capability.id);
  return result;
}

using Ids = std::vector<std::uint16_t>;

TEST(CapabilityWalk, FollowsTheListInItsOwnOrder) {
  Config config(0x70);
  config.standard(0x70, PCI_CAP_ID_MSIX, 0x40).standard(0x40, PCI_CAP_ID_PM, 0xa0).standard(0xa0, PCI_CAP_ID_EXP, 0, 2);
  std::string problem;
  const auto list = walk_capabilities(config.bytes, &problem);
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0], (Capability{.id = PCI_CAP_ID_MSIX, .offset = 0x70, .size = 12}));
  EXPECT_EQ(list[1], (Capability{.id = PCI_CAP_ID_PM, .offset = 0x40, .size = 8}));
  EXPECT_EQ(list[2], (Capability{.id = PCI_CAP_ID_EXP, .offset = 0xa0, .size = 0x3c}));
  EXPECT_EQ(problem, "");
  EXPECT_EQ(walk_capabilities(std::span(config.bytes).first(256)), list) << "256 bytes are enough";
}

TEST(CapabilityWalk, EmptyWithoutTheStatusBitOrWithAShortSpace) {
  Config config(0x40);
  config.standard(0x40, PCI_CAP_ID_PM, 0);
  EXPECT_TRUE(walk_capabilities(std::span(config.bytes).first(64)).empty());
  config.bytes[PCI_STATUS] = 0;
  EXPECT_TRUE(walk_capabilities(config.bytes).empty());
}

TEST(CapabilityWalk, IgnoresTheReservedBitsOfPointers) {
  Config config(0x43);
  config.standard(0x40, PCI_CAP_ID_PM, 0x52).standard(0x50, PCI_CAP_ID_MSI, 0);
  EXPECT_EQ(ids(walk_capabilities(config.bytes)), (Ids{PCI_CAP_ID_PM, PCI_CAP_ID_MSI}));
}

TEST(CapabilityWalk, MalformedListsEndAndSayWhy) {
  struct Case {
    const char* name;
    std::uint8_t next;
    const char* problem;
  };
  constexpr Case kCases[] = {{"a loop", 0x40, "loops"}, {"itself", 0x50, "loops"}, {"the header", 0x10, "header"}};
  for (const Case& c : kCases) {
    Config config(0x40);
    config.standard(0x40, PCI_CAP_ID_PM, 0x50).standard(0x50, PCI_CAP_ID_MSI, c.next);
    std::string problem;
    EXPECT_EQ(ids(walk_capabilities(config.bytes, &problem)), (Ids{PCI_CAP_ID_PM, PCI_CAP_ID_MSI})) << c.name;
    EXPECT_NE(problem.find(c.problem), std::string::npos) << c.name << ": " << problem;
    EXPECT_EQ(walk_capabilities(config.bytes).size(), 2u) << c.name;
  }
}

TEST(CapabilityWalk, DeviceThatIsGoneHasNone) {
  Config config;
  config.bytes.fill(0xff);
  std::string problem;
  EXPECT_TRUE(walk_capabilities(config.bytes, &problem).empty());
  EXPECT_NE(problem, "");
  EXPECT_TRUE(walk_extended_capabilities(config.bytes).empty());
}

TEST(CapabilityWalk, LongestPossibleListIsWalked) {
  Config config(0x40);
  for (unsigned offset = 0x40; offset < 0x100; offset += 4) {
    config.standard(static_cast<std::uint8_t>(offset), 0x20, static_cast<std::uint8_t>(offset + 4));
  }
  EXPECT_EQ(walk_capabilities(config.bytes).size(), 48u);
}

TEST(CapabilityWalk, SizesFollowTheCapabilitysOwnLayout) {
  struct Case {
    std::uint8_t id;
    std::uint16_t flags;
    std::uint16_t size;
  };
  constexpr Case kCases[] = {
      {PCI_CAP_ID_PM, 0, 8},         {PCI_CAP_ID_AGP, 0, 12},     {PCI_CAP_ID_VPD, 0, 8},       {PCI_CAP_ID_SLOTID, 0, 4},
      {PCI_CAP_ID_MSI, 0, 10},       {PCI_CAP_ID_MSI, 0x80, 14},  {PCI_CAP_ID_MSI, 0x100, 20},  {PCI_CAP_ID_MSI, 0x180, 24},
      {PCI_CAP_ID_CHSWP, 0, 4},      {PCI_CAP_ID_PCIX, 0, 8},     {PCI_CAP_ID_HT, 0, 4},        {PCI_CAP_ID_VNDR, 0x14, 0x14},
      {PCI_CAP_ID_VNDR, 0, 2},       {PCI_CAP_ID_DBG, 0, 4},      {PCI_CAP_ID_SSVID, 0, 8},     {PCI_CAP_ID_EXP, 0x02, 0x3c},
      {PCI_CAP_ID_EXP, 0x01, 20},    {PCI_CAP_ID_EXP, 0x91, 12},  {PCI_CAP_ID_MSIX, 0x7ff, 12}, {PCI_CAP_ID_SATA, 0, 8},
      {PCI_CAP_ID_AF, 6, 6},         {PCI_CAP_ID_EA, 0, 4},       {0x55, 0, 2},
  };
  for (const Case& c : kCases) {
    Config config(0x40);
    config.standard(0x40, c.id, 0, c.flags);
    const auto list = walk_capabilities(config.bytes);
    ASSERT_EQ(list.size(), 1u);
    EXPECT_EQ(list[0].size, c.size) << "id " << int{c.id} << " flags " << c.flags;
  }
}

TEST(CapabilityWalk, OverlapsAreCutWhereTheNextOneBegins) {
  Config config(0x40);
  config.standard(0x40, PCI_CAP_ID_MSIX, 0x44).standard(0x44, PCI_CAP_ID_EXP, 0xf8, 2).standard(0xf8, PCI_CAP_ID_MSIX, 0);
  std::string problem;
  const auto list = walk_capabilities(config.bytes, &problem);
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0].size, 4) << "too short for an MSI-X capability: its owner can tell";
  EXPECT_EQ(list[1].size, 0x3c);
  EXPECT_EQ(list[2].size, 8) << "the end of the space";
  EXPECT_EQ(problem, "capability 0x11 at 0x40 needs 12 bytes and has 4; capability 0x11 at 0xf8 needs 12 bytes and has 8");
}

TEST(ExtendedCapabilityWalk, FollowsTheList) {
  Config config;
  config.extended(0x100, PCI_EXT_CAP_ID_ERR, 0x150, 2).extended(0x150, PCI_EXT_CAP_ID_ARI, 0x1a0).extended(0x1a0, 0x1234, 0);
  const auto list = walk_extended_capabilities(config.bytes);
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0], (Capability{.id = PCI_EXT_CAP_ID_ERR, .offset = 0x100, .size = 0x48, .version = 2}));
  EXPECT_EQ(list[1], (Capability{.id = PCI_EXT_CAP_ID_ARI, .offset = 0x150, .size = 8, .version = 1}));
  EXPECT_EQ(list[2], (Capability{.id = 0x1234, .offset = 0x1a0, .size = 4, .version = 1}));
}

TEST(ExtendedCapabilityWalk, EmptyForConventionalFunctions) {
  Config config;
  EXPECT_TRUE(walk_extended_capabilities(config.bytes).empty());
  config.extended(0x100, PCI_EXT_CAP_ID_ERR, 0);
  EXPECT_TRUE(walk_extended_capabilities(std::span(config.bytes).first(256)).empty());
}

TEST(ExtendedCapabilityWalk, MalformedListsEndAndSayWhy) {
  struct Case {
    const char* name;
    std::uint16_t next;
    const char* problem;
  };
  constexpr Case kCases[] = {
      {"a loop", 0x100, "loops"}, {"itself", 0x200, "loops"}, {"standard space", 0x40, "below"}, {"ones", 0x300, "no ext"}};
  for (const Case& c : kCases) {
    Config config;
    config.extended(0x100, PCI_EXT_CAP_ID_ERR, 0x200).extended(0x200, PCI_EXT_CAP_ID_ARI, c.next);
    config.put<std::uint32_t>(0x300, 0xffffffff);
    std::string problem;
    EXPECT_EQ(ids(walk_extended_capabilities(config.bytes, &problem)), (Ids{PCI_EXT_CAP_ID_ERR, PCI_EXT_CAP_ID_ARI})) << c.name;
    EXPECT_NE(problem.find(c.problem), std::string::npos) << c.name << ": " << problem;
  }
}

TEST(ExtendedCapabilityWalk, SizesFollowTheCapabilitysOwnLayout) {
  struct Case {
    std::uint16_t id;
    std::uint32_t second;  ///< the dword at +4
    std::uint32_t third;   ///< the dword at +8
    std::uint16_t size;
  };
  constexpr Case kCases[] = {
      {PCI_EXT_CAP_ID_ERR, 0, 0, 0x48},       {PCI_EXT_CAP_ID_VC, 0, 0, 28},          {PCI_EXT_CAP_ID_VC, 7, 0, 112},
      {PCI_EXT_CAP_ID_DSN, 0, 0, 12},         {PCI_EXT_CAP_ID_PWR, 0, 0, 16},         {PCI_EXT_CAP_ID_VNDR, 0x02012345, 0, 32},
      {PCI_EXT_CAP_ID_VNDR, 0, 0, 4},         {PCI_EXT_CAP_ID_ACS, 0, 0, 8},          {PCI_EXT_CAP_ID_ARI, 0, 0, 8},
      {PCI_EXT_CAP_ID_ATS, 0, 0, 8},          {PCI_EXT_CAP_ID_SRIOV, 0, 0, 64},       {PCI_EXT_CAP_ID_MCAST, 0, 0, 40},
      {PCI_EXT_CAP_ID_PRI, 0, 0, 16},         {PCI_EXT_CAP_ID_REBAR, 0, 0x40, 20},    {0x24, 0, 0xc0, 52},
      {PCI_EXT_CAP_ID_DPA, 0, 0, 16},         {PCI_EXT_CAP_ID_TPH, 0, 0, 12},         {PCI_EXT_CAP_ID_TPH, 0x003f0200, 0, 140},
      {PCI_EXT_CAP_ID_LTR, 0, 0, 8},          {PCI_EXT_CAP_ID_PASID, 0, 0, 8},        {PCI_EXT_CAP_ID_L1SS, 0, 0, 16},
      {PCI_EXT_CAP_ID_PTM, 0, 0, 12},         {PCI_EXT_CAP_ID_DVSEC, 0x01801e98, 0, 24}, {PCI_EXT_CAP_ID_DLF, 0, 0, 12},
      {0x7777, 0, 0, 4},
  };
  for (const Case& c : kCases) {
    Config config;
    config.extended(0x100, c.id, 0).put<std::uint32_t>(0x104, c.second).put<std::uint32_t>(0x108, c.third);
    const auto list = walk_extended_capabilities(config.bytes);
    ASSERT_EQ(list.size(), 1u);
    EXPECT_EQ(list[0].size, c.size) << "id " << c.id << " " << c.second << " " << c.third;
  }
}

TEST(ExtendedCapabilityWalk, OverlapsAreCutWhereTheNextOneBegins) {
  Config config;
  config.extended(0x100, PCI_EXT_CAP_ID_SRIOV, 0x110).extended(0x110, PCI_EXT_CAP_ID_ARI, 0xffc);
  config.extended(0xffc, PCI_EXT_CAP_ID_DSN, 0);
  std::string problem;
  const auto list = walk_extended_capabilities(config.bytes, &problem);
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0].size, 16);
  EXPECT_EQ(list[1].size, 8);
  EXPECT_EQ(list[2].size, 4);
  EXPECT_NE(problem.find("0x10 at 0x100 needs 64 bytes and has 16"), std::string::npos) << problem;
}

bool is_hidden(std::uint16_t id) { return id == PCI_EXT_CAP_ID_SRIOV || id == PCI_EXT_CAP_ID_ARI; }

TEST(HidingCapabilities, PredecessorSkipsWhatIsHidden) {
  Config config;
  config.extended(0x100, PCI_EXT_CAP_ID_ERR, 0x140, 2).extended(0x140, PCI_EXT_CAP_ID_ARI, 0x150);
  config.extended(0x150, PCI_EXT_CAP_ID_SRIOV, 0x200).extended(0x200, PCI_EXT_CAP_ID_ATS, 0);
  hide_extended_capabilities(config.bytes, is_hidden);
  EXPECT_EQ(ids(walk_extended_capabilities(config.bytes)), (Ids{PCI_EXT_CAP_ID_ERR, PCI_EXT_CAP_ID_ATS}));
  EXPECT_EQ(config.dword(0x100), 0x20020001u);
}

TEST(HidingCapabilities, LastOneEndsTheListBeforeIt) {
  Config config;
  config.extended(0x100, PCI_EXT_CAP_ID_ERR, 0x150).extended(0x150, PCI_EXT_CAP_ID_SRIOV, 0);
  hide_extended_capabilities(config.bytes, is_hidden);
  EXPECT_EQ(config.dword(0x100), 0x00010001u);
}

TEST(HidingCapabilities, HeadBecomesTheNullCapability) {
  Config config;
  config.extended(0x100, PCI_EXT_CAP_ID_SRIOV, 0x150).extended(0x150, PCI_EXT_CAP_ID_ATS, 0);
  hide_extended_capabilities(config.bytes, is_hidden);
  EXPECT_EQ(config.dword(0x100), 0x15000000u);
  EXPECT_EQ(ids(walk_extended_capabilities(config.bytes)), (Ids{0, PCI_EXT_CAP_ID_ATS}));
}

TEST(HidingCapabilities, HeadAloneLeavesNoList) {
  Config config;
  config.extended(0x100, PCI_EXT_CAP_ID_SRIOV, 0);
  hide_extended_capabilities(config.bytes, is_hidden);
  EXPECT_EQ(config.dword(0x100), 0u);
}

TEST(HidingCapabilities, LoopDoesNotLeadBackToWhatIsHidden) {
  Config config;
  config.extended(0x100, PCI_EXT_CAP_ID_ERR, 0x150).extended(0x150, PCI_EXT_CAP_ID_SRIOV, 0x200);
  config.extended(0x200, PCI_EXT_CAP_ID_ATS, 0x150);
  hide_extended_capabilities(config.bytes, is_hidden);
  std::string problem;
  EXPECT_EQ(ids(walk_extended_capabilities(config.bytes, &problem)), (Ids{PCI_EXT_CAP_ID_ERR, PCI_EXT_CAP_ID_ATS}));
  EXPECT_EQ(problem, "");
}

TEST(HidingCapabilities, ListWithNothingToHideIsLeftAsItIs) {
  Config config;
  config.extended(0x100, PCI_EXT_CAP_ID_ERR, 0x150, 2).extended(0x150, PCI_EXT_CAP_ID_ATS, 0);
  const auto before = config.bytes;
  hide_extended_capabilities(config.bytes, is_hidden);
  EXPECT_EQ(config.bytes, before);
  std::array<std::uint8_t, 256> conventional{};
  hide_extended_capabilities(conventional, is_hidden);
}

}  // namespace
}  // namespace strait::pci
