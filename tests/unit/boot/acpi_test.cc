#include "boot/acpi/tables.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <numeric>
#include <string>

#include "base/little_endian.h"
#include "base/units.h"
#include "boot/acpi/aml.h"
#include "boot/acpi/dsdt.h"
#include "boot/acpi/ports.h"
#include "tests/unit/boot/kernel_builder.h"
#include "tests/unit/boot/throws.h"

namespace strait::boot {
namespace {

using namespace test;
constexpr Gpa kBase = kAcpiTables.start;

std::uint8_t sum(std::span<const std::uint8_t> bytes) {
  return static_cast<std::uint8_t>(std::accumulate(bytes.begin(), bytes.end(), 0u));
}

/// The tables as a guest finds them: from the RSDP at the start of the image.
class Tables {
 public:
  explicit Tables(const AcpiConfig& config = {}) : image_(build_acpi(config, kBase)) {
    const auto xsdt = at(load<std::uint64_t>(image_, 24));
    for (std::size_t offset = 36; offset + 8 <= xsdt.size(); offset += 8) add(load<std::uint64_t>(xsdt, offset));
    add(load<std::uint64_t>(tables_.at("FACP"), 140));
  }

  std::span<const std::uint8_t> image() const { return image_; }
  const std::map<std::string, Bytes>& all() const { return tables_; }
  const Bytes& operator[](const std::string& signature) const { return tables_.at(signature); }

  /// The table at a guest address, its length and checksum verified.
  Bytes at(std::uint64_t address) const {
    const auto from = std::span(image_).subspan(address - kBase.value);
    const auto table = from.first(load<std::uint32_t>(from, 4));
    EXPECT_EQ(sum(table), 0);
    return {table.begin(), table.end()};
  }

 private:
  void add(std::uint64_t address) {
    Bytes table = at(address);
    tables_[std::string(table.begin(), table.begin() + 4)] = std::move(table);
  }

  Bytes image_;
  std::map<std::string, Bytes> tables_;
};

TEST(Acpi, TheRsdpLeadsToEveryTable) {
  const Tables tables;
  EXPECT_EQ(std::string(tables.image().begin(), tables.image().begin() + 8), "RSD PTR ");
  EXPECT_EQ(tables.image()[15], 2);
  EXPECT_EQ(sum(tables.image().first(20)), 0);
  EXPECT_EQ(sum(tables.image().first(36)), 0);
  for (const char* table : {"FACP", "APIC", "MCFG", "SSDT", "DSDT"}) EXPECT_TRUE(tables.all().contains(table)) << table;
}

TEST(Acpi, TheFadtNamesTheFixedHardware) {
  const Tables tables;
  const Bytes& fadt = tables["FACP"];
  ASSERT_EQ(fadt.size(), 276u);
  EXPECT_EQ(load<std::uint16_t>(fadt, 46), acpi::kSci.value);
  EXPECT_EQ(load<std::uint32_t>(fadt, 48), 0u);  // SMI_CMD
  EXPECT_EQ(load<std::uint32_t>(fadt, 56), acpi::kPm1Event.value);
  EXPECT_EQ(load<std::uint32_t>(fadt, 64), acpi::kPm1Control.value);
  EXPECT_EQ(load<std::uint32_t>(fadt, 76), 0u);  // PM timer
  EXPECT_EQ(fadt[88], 4);
  EXPECT_EQ(fadt[89], 2);
  const auto boot_flags = load<std::uint16_t>(fadt, 109);
  EXPECT_EQ(boot_flags, 1u | 1u << 2 | 1u << 5);  // legacy devices; neither 8042 nor VGA nor CMOS RTC; MSI works
  const auto flags = load<std::uint32_t>(fadt, 112);
  EXPECT_EQ(flags & (1u << 4), 0u) << "the power button is a fixed one";
  EXPECT_NE(flags & (1u << 10), 0u) << "there is a reset register";
  EXPECT_EQ(flags & (1u << 20), 0u) << "not hardware-reduced";
  EXPECT_EQ(fadt[116], 1);  // the reset register is a port
  EXPECT_EQ(load<std::uint64_t>(fadt, 120), acpi::kReset.value);
  EXPECT_EQ(fadt[128], acpi::kResetValue);
  EXPECT_EQ(load<std::uint64_t>(fadt, 152), acpi::kPm1Event.value);
  EXPECT_EQ(load<std::uint64_t>(fadt, 176), acpi::kPm1Control.value);
  const std::uint32_t facs = load<std::uint32_t>(fadt, 36);
  EXPECT_TRUE(is_aligned(facs, 64));
  const auto facs_bytes = tables.image().subspan(facs - kBase.value, 64);
  EXPECT_EQ(std::string(facs_bytes.begin(), facs_bytes.begin() + 4), "FACS");
}

/// The structures of a MADT as (type, bytes).
std::vector<Bytes> madt_entries(const Bytes& madt) {
  std::vector<Bytes> entries;
  for (auto at = madt.begin() + 44; at < madt.end(); at += at[1]) entries.emplace_back(at, at + at[1]);
  return entries;
}

TEST(Acpi, TheMadtListsProcessorsAndInterrupts) {
  AcpiConfig config;
  config.apic_ids = {0, 2, 254};
  config.ioapic_id = 3;
  const Bytes madt = Tables(config)["APIC"];
  EXPECT_EQ(load<std::uint32_t>(madt, 36), 0xfee00000u);
  const auto entries = madt_entries(madt);
  ASSERT_EQ(entries.size(), 7u);
  EXPECT_EQ(entries[0], (Bytes{0, 8, 0, 0, 1, 0, 0, 0}));
  EXPECT_EQ(entries[1], (Bytes{0, 8, 1, 2, 1, 0, 0, 0}));
  EXPECT_EQ(entries[2], (Bytes{0, 8, 2, 254, 1, 0, 0, 0}));
  EXPECT_EQ(entries[3], (Bytes{1, 12, 3, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0}));
  EXPECT_EQ(entries[4], (Bytes{2, 10, 0, 0, 2, 0, 0, 0, 0, 0}));
  EXPECT_EQ(entries[5], (Bytes{2, 10, 0, 9, 9, 0, 0, 0, 0xd, 0}));
  EXPECT_EQ(entries[6], (Bytes{4, 6, 0xff, 0, 0, 1}));
}

TEST(Acpi, ApicIdsFrom255OnAreX2apicOnes) {
  AcpiConfig config;
  config.apic_ids = {0, 255, 300};
  const auto entries = madt_entries(Tables(config)["APIC"]);
  EXPECT_EQ(entries[1], (Bytes{9, 16, 0, 0, 255, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0}));
  EXPECT_EQ(entries[2], (Bytes{9, 16, 0, 0, 44, 1, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0}));
  EXPECT_EQ(entries.back(), (Bytes{10, 12, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0}));
}

TEST(Acpi, TheMcfgAnnouncesOneBus) {
  const Bytes mcfg = Tables()["MCFG"];
  ASSERT_EQ(mcfg.size(), 60u);
  EXPECT_EQ(load<std::uint64_t>(mcfg, 44), 0xe0000000u);
  EXPECT_EQ(mcfg[54], 0);
  EXPECT_EQ(mcfg[55], 0);
}

TEST(Acpi, HundredsOfProcessorsFitAndTooManyAreRefused) {
  AcpiConfig config;
  config.apic_ids.resize(4096);
  std::iota(config.apic_ids.begin(), config.apic_ids.end(), 0u);
  EXPECT_LE(Tables(config).image().size(), kAcpiTables.size);
  config.apic_ids.resize(10000);
  EXPECT_ERROR(build_acpi(config, kBase), "10000 vCPUs");
}

TEST(Aml, PackageLengthsOfEveryWidth) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{30}, std::size_t{200}, std::size_t{5000}}) {
    const Bytes scope = acpi::scoped_crs("PCI0", Bytes(size));
    const unsigned extra = scope[1] >> 6;
    std::size_t length = extra == 0 ? scope[1] : scope[1] & 0xf;
    for (unsigned i = 0; i < extra; ++i) length |= std::size_t{scope[2 + i]} << (4 + 8 * i);
    EXPECT_EQ(scope.size(), 1 + length) << size;
  }
}

/// What iasl makes of each table; empty where there is no iasl.
std::map<std::string, std::string> disassemble(const Tables& tables) {
  std::map<std::string, std::string> texts;
  if (std::system("iasl -v >/dev/null 2>&1") != 0) return texts;
  const TemporaryDirectory directory;
  const auto read_file = [&](const std::string& name) {
    std::ifstream stream(directory.path() + "/" + name);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  };
  for (const auto& [name, table] : tables.all()) directory.file(name + ".aml", table);
  for (const auto& [name, table] : tables.all()) {
    const std::string other = name == "SSDT" ? "-e DSDT.aml " : "";
    const std::string command = "cd " + directory.path() + " && iasl " + other + "-d " + name + ".aml >log 2>&1";
    EXPECT_EQ(std::system(command.c_str()), 0) << name << read_file("log");
    texts[name] = read_file(name + ".dsl");
    for (const char* complaint : {"Error", "Warning", "Invalid", "ncorrect checksum", "nknown"}) {
      EXPECT_FALSE(read_file("log").contains(complaint)) << name << ": " << read_file("log");
      EXPECT_FALSE(texts[name].contains(complaint)) << name << ": " << complaint;
    }
  }
  return texts;
}

void expect_in(const std::string& text, const std::string& part) { EXPECT_TRUE(text.contains(part)) << part; }

TEST(AcpiDisassembly, IaslUnderstandsEveryTable) {
  AcpiConfig config;
  config.mmio64 = {Gpa{0x200000000}, 0x100000000};
  auto texts = disassemble(Tables(config));
  if (texts.empty()) GTEST_SKIP() << "no iasl";
  const std::string& resources = texts["SSDT"];
  expect_in(resources, "Scope (\\_SB.PCI0)");
  expect_in(resources, "WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode");
  expect_in(resources, "0x0CF7,             // Range Maximum");
  expect_in(resources, "0xC0000000,         // Range Minimum");
  expect_in(resources, "0xDFFFFFFF,         // Range Maximum");
  expect_in(resources, "0x0000000200000000, // Range Minimum");
  expect_in(resources, "0x00000002FFFFFFFF, // Range Maximum");
  expect_in(resources, "Scope (\\_SB.RSRV)");
  expect_in(resources, "0xE0000000,         // Address Base");
  expect_in(resources, "0x00100000,         // Address Length");
  expect_in(resources, "0x0606,             // Range Minimum");
  expect_in(texts["DSDT"], "Name (_HID, EisaId (\"PNP0501\")");
  expect_in(texts["DSDT"], "Name (_HID, EisaId (\"PNP0A08\")");
}

TEST(AcpiDisassembly, SlotsThatCanChangeHaveADeviceAndANotification) {
  AcpiConfig config;
  config.hotplug_slots = 1u << 1 | 1u << 31;
  auto texts = disassemble(Tables(config));
  if (texts.empty()) GTEST_SKIP() << "no iasl";
  const std::string& slots = texts["SSDT"];
  expect_in(slots, "OperationRegion (SLTS, SystemIO, 0x0610, 0x0C)");
  expect_in(slots, "Device (S01)");
  expect_in(slots, "Name (_ADR, 0x001F0000)");
  expect_in(slots, "EJCD = 0x80000000");
  expect_in(slots, "Method (_E01, 0, NotSerialized)");
  expect_in(slots, "Notify (\\_SB.PCI0.S01, 0x03)");
  expect_in(slots, "Notify (\\_SB.PCI0.S1F, 0x01)");
  EXPECT_FALSE(slots.contains("S02"));
  expect_in(texts["FACP"], "GPE0 Block Address : 00000608");
}

TEST(AcpiDisassembly, WithoutAHighWindowThereIsNone) {
  auto texts = disassemble(Tables());
  if (texts.empty()) GTEST_SKIP() << "no iasl";
  EXPECT_FALSE(texts["SSDT"].contains("QWordMemory"));
}

TEST(Dsdt, RoutesInterruptsAsTheDevicesDo) {
  // Each entry of _PRT as AML: Package { DWord address, pin, 0, Byte GSI }; 0 and 1 have opcodes of their own.
  const auto aml = acpi::dsdt();
  unsigned found = 0;
  for (std::size_t at = 0; at + 13 < aml.size(); ++at) {
    // PackageOp, PkgLength, 4 elements; then DWordPrefix, or WordPrefix for slot 0.
    if (aml[at] != 0x12 || aml[at + 2] != 4) continue;
    std::size_t p = at + 3;
    std::uint32_t address = 0;
    if (aml[p] == 0x0c) {
      address = load<std::uint32_t>(aml, p + 1);
      p += 5;
    } else if (aml[p] == 0x0b) {
      address = load<std::uint16_t>(aml, p + 1);
      p += 3;
    } else {
      continue;
    }
    const unsigned pin = aml[p] == 0x0a ? aml[p + 1] : aml[p];
    p += aml[p] == 0x0a ? 2 : 1;
    ASSERT_EQ(aml[p], 0);  // the GSI itself, no link device
    ASSERT_EQ(aml[p + 1], 0x0a);
    EXPECT_EQ(address & 0xffff, 0xffffu);
    EXPECT_EQ(aml[p + 2], acpi::intx_gsi(address >> 16, pin).value) << (address >> 16) << " " << pin;
    ++found;
  }
  EXPECT_EQ(found, 32u * 4);
}

TEST(Dsdt, SoftOffHasTheAnnouncedSleepType) {
  const auto aml = acpi::dsdt();
  const std::string text(aml.begin(), aml.end());
  const std::size_t name = text.find("_S5_");
  ASSERT_NE(name, std::string::npos);
  // PackageOp, PkgLength, 4 elements, BytePrefix, SLP_TYPa
  EXPECT_EQ(aml[name + 4], 0x12);
  EXPECT_EQ(aml[name + 8], acpi::kSleepTypeS5);
}

}  // namespace
}  // namespace strait::boot
