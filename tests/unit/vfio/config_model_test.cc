#include "vfio/config_model.h"

#include <gtest/gtest.h>

#include "base/little_endian.h"
#include "devices/pci/capabilities.h"
#include "tests/fakes/config_builder.h"

namespace strait::vfio {
namespace {

using test::ConfigBuilder;
using Data = std::vector<std::uint8_t>;

struct Problem {
  std::string problem;
};

struct Model : Problem, ConfigModel {
  explicit Model(const ConfigBuilder& config, const Offered& offered = {})
      : ConfigModel(make_config_model(config, offered, problem)), view(4096, 0xff) {
    const auto& device = config.bytes();
    for (std::size_t i = 0; i < view.size(); ++i) {
      const std::uint8_t below = i < device.size() ? device[i] : 0xff;
      view[i] = static_cast<std::uint8_t>((below & ~ours[i]) | (shown[i] & ours[i]));
    }
  }
  std::uint16_t word(std::size_t at) const { return load<std::uint16_t>(view, at); }
  std::uint32_t dword(std::size_t at) const { return load<std::uint32_t>(view, at); }
  std::vector<unsigned> capabilities() const {
    std::vector<unsigned> ids;
    for (const auto& capability : pci::walk_capabilities(view)) ids.push_back(capability.id);
    return ids;
  }
  std::vector<unsigned> extended() const {
    std::vector<unsigned> ids;
    for (const auto& capability : pci::walk_extended_capabilities(view)) ids.push_back(capability.id);
    return ids;
  }

  Data view;  ///< what a guest reads
};

using Ids = std::vector<unsigned>;

TEST(ConfigModel, MostOfTheSpaceIsTheDevices) {
  const Model model(ConfigBuilder().capability(PCI_CAP_ID_VNDR, 0x40).set8(0x42, 0x10).set32(0x44, 0x12345678));
  EXPECT_EQ(model.word(PCI_VENDOR_ID), 0x8086);
  EXPECT_EQ(model.word(PCI_DEVICE_ID), 0x10ca);
  EXPECT_EQ(model.dword(0x44), 0x12345678u) << "a vendor's capability passes through: modern virtio needs it";
  EXPECT_EQ(model.problem, "");
}

TEST(ConfigModel, NoRomAndOneFunction) {
  const Model model(ConfigBuilder().set32(PCI_ROM_ADDRESS, 0xfff80001).set8(PCI_HEADER_TYPE, 0x80));
  EXPECT_EQ(model.dword(PCI_ROM_ADDRESS), 0u);
  EXPECT_EQ(model.view[PCI_HEADER_TYPE], 0);
}

TEST(ConfigModel, OneOfSeveralFunctionsWhereTheSlotHasMore) {
  const ConfigBuilder config;
  std::string problem;
  ConfigModel model = make_config_model(config, {}, problem);
  model.show_multifunction();
  EXPECT_EQ(model.shown[PCI_HEADER_TYPE] & 0x80, 0x80);
  EXPECT_EQ(model.ours[PCI_HEADER_TYPE], 0x80) << "the layout is the device's to say";
}

TEST(ConfigModel, TheMsixCapabilityIsFound) {
  const Model model(ConfigBuilder().msix(0x70, 3, 0x00000003, 0x00002003));
  ASSERT_EQ(model.msix, 0x70);
  EXPECT_EQ(model.msix_layout.vectors, 3);
  EXPECT_EQ(model.msix_layout.table_bar, 3);
  EXPECT_EQ(model.msix_layout.table_offset, 0u);
  EXPECT_EQ(model.msix_layout.pba_bar, 3);
  EXPECT_EQ(model.msix_layout.pba_offset, 0x2000u);
}

TEST(ConfigModel, WithoutMsixThereIsNone) { EXPECT_FALSE(Model(ConfigBuilder()).msix); }

TEST(ConfigModel, KindsThatVfioDoesNotOfferAreUnlinkedWhereverTheyStand) {
  const ConfigModel::Offered no_msi{.msi = false}, nothing{.intx = false, .msi = false, .msix = false};
  EXPECT_EQ(Model(ConfigBuilder().msi(0x50).msix(0x70, 1, 0, 0x800), no_msi).capabilities(), (Ids{PCI_CAP_ID_MSIX})) << "first";
  EXPECT_EQ(Model(ConfigBuilder().power(0x40).msi(0x50).msix(0x70, 1, 0, 0x800), no_msi).capabilities(),
            (Ids{PCI_CAP_ID_PM, PCI_CAP_ID_MSIX}));
  EXPECT_EQ(Model(ConfigBuilder().power(0x40).msi(0x50), no_msi).capabilities(), (Ids{PCI_CAP_ID_PM})) << "last";
  EXPECT_EQ(Model(ConfigBuilder().msi(0x50), no_msi).capabilities(), Ids{}) << "alone";
  EXPECT_EQ(Model(ConfigBuilder().power(0x40).msi(0x50).msix(0x70, 1, 0, 0x800).express(0xa0), nothing).capabilities(),
            (Ids{PCI_CAP_ID_PM, PCI_CAP_ID_EXP}))
      << "two in a row";
}

TEST(ConfigModel, MsiIsFoundAndItsRegistersAreOurs) {
  const Model model(ConfigBuilder().msi(0x50).set16(0x52, 0x0181).set32(0x54, 0xfee00000));
  ASSERT_EQ(model.msi, 0x50);
  EXPECT_EQ(model.msi_layout, (pci::MsiLayout{.vectors = 1, .wide = true, .maskable = true}));
  EXPECT_EQ(model.word(0x52), 0) << "the host's own state does not show";
  EXPECT_EQ(model.dword(0x54), 0u);
  EXPECT_FALSE(Model(ConfigBuilder().msi(0xf0)).msi) << "it does not fit";
}

TEST(ConfigModel, ThePinIsShownWhereItIsServed) {
  const Model model(ConfigBuilder().set8(PCI_INTERRUPT_PIN, 3));
  EXPECT_EQ(model.intx_pin, 2);
  EXPECT_EQ(model.word(PCI_INTERRUPT_LINE) >> 8, 3);
  const Model silent(ConfigBuilder().set8(PCI_INTERRUPT_PIN, 3), {.intx = false});
  EXPECT_FALSE(silent.intx_pin);
  EXPECT_EQ(silent.word(PCI_INTERRUPT_LINE) >> 8, 0);
  EXPECT_FALSE(Model(ConfigBuilder().set8(PCI_INTERRUPT_PIN, 9)).intx_pin) << "there are four";
}

TEST(ConfigModel, AnEndpointIsIntegratedIntoTheRootComplex) {
  const Model model(ConfigBuilder().express(0xa0));
  EXPECT_EQ(model.word(0xa2), (PCI_EXP_TYPE_RC_END << 4) | 2);
  EXPECT_EQ(model.dword(0xa4), 0x10008cc1u) << "device capabilities, FLR among them, are the device's";
  EXPECT_EQ(model.dword(0xac), 0u) << "link capabilities";
  EXPECT_EQ(model.dword(0xb0), 0u) << "link control and status";
  EXPECT_EQ(model.dword(0xcc), 0u) << "link capabilities 2";
  EXPECT_EQ(model.dword(0xd0), 0u) << "link control and status 2";
}

TEST(ConfigModel, VersionOneOfExpressHasNoSecondSetOfLinkRegisters) {
  const Model model(ConfigBuilder().express(0xa0, 0x0001));
  EXPECT_EQ(model.dword(0xac), 0u);
  EXPECT_EQ(model.dword(0xcc), 0x0000000eu) << "belongs to something else";
}

TEST(ConfigModel, AnIntegratedEndpointStaysAsItIs) {
  const Model model(ConfigBuilder().express(0xa0, (PCI_EXP_TYPE_RC_END << 4) | 2));
  EXPECT_EQ(model.word(0xa2), (PCI_EXP_TYPE_RC_END << 4) | 2);
  EXPECT_EQ(model.dword(0xac), 0x00436c11u);
}

TEST(ConfigModel, WhatOnlyAHostMayUseIsUnlinked) {
  const ConfigBuilder config = ConfigBuilder()
                                   .extended(PCI_EXT_CAP_ID_ERR, 0x100)
                                   .extended(PCI_EXT_CAP_ID_ARI, 0x150)
                                   .extended(PCI_EXT_CAP_ID_DSN, 0x180)
                                   .extended(PCI_EXT_CAP_ID_SRIOV, 0x1a0)
                                   .extended(PCI_EXT_CAP_ID_REBAR, 0x200);
  EXPECT_EQ(Model(config).extended(), (Ids{PCI_EXT_CAP_ID_ERR, PCI_EXT_CAP_ID_DSN}));
}

TEST(ConfigModel, TheFirstExtendedCapabilityIsHiddenByMakingItNull) {
  const ConfigBuilder config = ConfigBuilder().extended(PCI_EXT_CAP_ID_ARI, 0x100).extended(PCI_EXT_CAP_ID_DSN, 0x140);
  const Model model(config);
  EXPECT_EQ(model.dword(0x100) & 0xffff, 0u);
  EXPECT_EQ(model.dword(0x100) >> 20, 0x140u);
}

TEST(ConfigModel, ConventionalPciHasNothingPast256Bytes) {
  const Model model(ConfigBuilder(256).msix(0x70, 1, 0, 0x800));
  EXPECT_EQ(model.dword(0x100), 0u) << "no extended capabilities, whatever the bus answers";
  EXPECT_EQ(model.msix, 0x70);
}

TEST(ConfigModel, ALoopInTheListIsReportedAndEndsThere) {
  ConfigBuilder config = ConfigBuilder().power(0x40).msix(0x50, 2, 0, 0x800);
  config.set8(0x51, 0x40);
  const Model model(config);
  EXPECT_NE(model.problem, "");
  EXPECT_EQ(model.msix, 0x50);
  EXPECT_EQ(model.power, 0x40);
}

TEST(ConfigModel, ACapabilityThatDoesNotFitIsNotUsed) {
  const Model model(ConfigBuilder().capability(PCI_CAP_ID_MSIX, 0xf8));
  EXPECT_FALSE(model.msix);
  EXPECT_FALSE(Model(ConfigBuilder().capability(PCI_CAP_ID_PM, 0xfc)).power);
  EXPECT_FALSE(Model(ConfigBuilder().capability(PCI_CAP_ID_EXP, 0xf0)).express);
}

TEST(ConfigModel, AnExpressCapabilityAtTheEndHasItsLinkRegistersCutOff) {
  // Its first set fits, the second would pass the end: nothing beyond 0x100 may be touched.
  const Model model(ConfigBuilder().capability(PCI_CAP_ID_EXP, 0xe0).set16(0xe2, 2).set32(0x100, 0x00010001));
  EXPECT_EQ(model.dword(0x100), 0x00010001u);
}

class Decoding : public testing::Test {
 protected:
  const Model model_{ConfigBuilder().power(0x40).express(0xa0).advanced_features(0xe0)};
};

TEST_F(Decoding, ClearingMemoryEnableStopsItInAnyWidth) {
  EXPECT_TRUE(model_.may_stop_decoding(0x04, Data{0x00}));
  EXPECT_TRUE(model_.may_stop_decoding(0x04, Data{0x05, 0x04}));
  EXPECT_TRUE(model_.may_stop_decoding(0x04, Data{0x00, 0x00, 0x00, 0x00}));
  EXPECT_FALSE(model_.may_stop_decoding(0x04, Data{0x02}));
  EXPECT_FALSE(model_.may_stop_decoding(0x04, Data{0x06, 0x04, 0x00, 0x00}));
  EXPECT_FALSE(model_.may_stop_decoding(0x05, Data{0x00})) << "the upper byte does not matter";
}

TEST_F(Decoding, LeavingD0StopsIt) {
  EXPECT_TRUE(model_.may_stop_decoding(0x44, Data{0x03, 0x00}));
  EXPECT_TRUE(model_.may_stop_decoding(0x44, Data{0x01}));
  EXPECT_FALSE(model_.may_stop_decoding(0x44, Data{0x00, 0x01}));
  EXPECT_FALSE(model_.may_stop_decoding(0x45, Data{0x03})) << "PME, not the state";
}

TEST_F(Decoding, AFunctionLevelResetStopsIt) {
  EXPECT_TRUE(model_.may_stop_decoding(0xa8, Data{0x10, 0x80})) << "Express";
  EXPECT_TRUE(model_.may_stop_decoding(0xa9, Data{0x80}));
  EXPECT_FALSE(model_.may_stop_decoding(0xa8, Data{0x10, 0x28}));
  EXPECT_FALSE(model_.may_stop_decoding(0xa8, Data{0x10}));
  EXPECT_TRUE(model_.may_stop_decoding(0xe4, Data{0x01})) << "Advanced Features";
  EXPECT_FALSE(model_.may_stop_decoding(0xe4, Data{0x00}));
}

TEST_F(Decoding, OtherWritesHaveNoPartInIt) {
  constexpr std::uint16_t kOthers[] = {0x00, 0x0c, 0x3c, 0x48, 0x70, 0x100};
  for (const std::uint16_t offset : kOthers) {
    EXPECT_FALSE(model_.may_stop_decoding(offset, Data{0, 0, 0, 0})) << offset;
    EXPECT_FALSE(model_.touches_decoding(offset, 4)) << offset;
  }
}

TEST_F(Decoding, TheRegistersThatDecideAreKnown) {
  EXPECT_TRUE(model_.touches_decoding(0x04, 1));
  EXPECT_FALSE(model_.touches_decoding(0x05, 1));
  EXPECT_TRUE(model_.touches_decoding(0x44, 2));
  EXPECT_TRUE(model_.touches_decoding(0xa8, 2));
  EXPECT_TRUE(model_.touches_decoding(0xe4, 1));
}

TEST_F(Decoding, AFunctionWithoutThoseCapabilitiesHasCommandAlone) {
  const Model bare{ConfigBuilder()};
  EXPECT_FALSE(bare.touches_decoding(0x44, 2));
  EXPECT_TRUE(bare.touches_decoding(0x04, 2));
}

TEST(BusMastering, IsAllowedByAnyWriteThatSetsItsBit) {
  EXPECT_TRUE(ConfigModel::allows_bus_mastering(0x04, Data{0x04}));
  EXPECT_TRUE(ConfigModel::allows_bus_mastering(0x04, Data{0x06, 0x04}));
  EXPECT_FALSE(ConfigModel::allows_bus_mastering(0x04, Data{0x02}));
  EXPECT_FALSE(ConfigModel::allows_bus_mastering(0x05, Data{0x04}));
  EXPECT_FALSE(ConfigModel::allows_bus_mastering(0x00, Data{0x04, 0x04, 0x04, 0x04}));
}

}  // namespace
}  // namespace strait::vfio
