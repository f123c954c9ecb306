#include "host/pci_ids.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "tests/fakes/temporary_directory.h"

namespace strait::host {
namespace {

constexpr const char* kFile =
    "# a comment\n"
    "\n"
    "8086  Intel Corporation\n"
    "\t1521  I350 Gigabit Network Connection\n"
    "\t\t8086 0001  Ethernet Server Adapter I350-T4\n"
    "# another\n"
    "\t\t1028 1f60  Intel GbE 4P I350crNDC\n"
    "\t1520  I350 Ethernet Controller Virtual Function\n"
    "144d  Samsung Electronics Co Ltd\n"
    "C 02  Network controller\n"
    "\t00  Ethernet controller\n"
    "C 0c  Serial bus controller\n"
    "\t03  USB controller\n"
    "\t\t30  XHCI\n";

TEST(PciIds, NamesAreFoundAtEveryLevel) {
  const PciIds ids(kFile);
  EXPECT_EQ(ids.vendor(0x8086), "Intel Corporation");
  EXPECT_EQ(ids.device(0x8086, 0x1521), "I350 Gigabit Network Connection");
  EXPECT_EQ(ids.device(0x8086, 0x1520), "I350 Ethernet Controller Virtual Function");
  EXPECT_EQ(ids.subsystem(0x8086, 0x1521, 0x1028, 0x1f60), "Intel GbE 4P I350crNDC");
  EXPECT_EQ(ids.class_name(0x020000), "Ethernet controller");
  EXPECT_EQ(ids.class_name(0x0c0330), "USB controller");
  EXPECT_EQ(ids.class_name(0x028000), "Network controller") << "the base class, where there is no name for the subclass";
}

TEST(PciIds, WhatItDoesNotHaveIsEmpty) {
  const PciIds ids(kFile);
  EXPECT_EQ(ids.vendor(0x10de), "");
  EXPECT_EQ(ids.device(0x144d, 0x1521), "");
  EXPECT_EQ(ids.subsystem(0x8086, 0x1520, 0x8086, 0x0001), "");
  EXPECT_EQ(ids.class_name(0xff0000), "");
  EXPECT_TRUE(PciIds().empty());
  EXPECT_EQ(PciIds().vendor(0x8086), "");
}

TEST(PciIds, LinesThatMakeNoSenseArePassedOver) {
  const PciIds ids(
      "\t1521  without a vendor\n"
      "80861  too long\n"
      "\t1521  beneath a line that is none\n"
      "80g6  no number\n"
      "8086\n"
      "8086Intel\n"
      "C 0  class\n"
      "\t\t\t\n"
      "\xff\xfe\n"
      "1234  A\x1b[31m\r\n"
      "\t12  too short\n"
      "\t\t8086 0001  beneath it\n"
      "\t0001  last");
  EXPECT_EQ(ids.vendor(0x8086), "");
  EXPECT_EQ(ids.vendor(0x1234), "A[31m") << "no control characters";
  EXPECT_EQ(ids.device(0x1234, 1), "last");
  EXPECT_EQ(ids.device(0x8086, 0x1521), "");
}

TEST(PciIds, TheFirstFileThatCanBeReadCounts) {
  const test::TemporaryDirectory directory;
  const std::string plain = directory.write("pci.ids", kFile);
  EXPECT_EQ(PciIds::load({directory.path() / "missing", directory.path(), directory.write("empty", ""), plain}).vendor(0x8086),
            "Intel Corporation");
  EXPECT_TRUE(PciIds::load({directory.path() / "missing"}).empty());
  EXPECT_TRUE(PciIds::load({}).empty());
}

TEST(PciIds, AGzippedFileIsUnpacked) {
  const test::TemporaryDirectory directory;
  const std::string name = directory.path() / "pci.ids.gz";
  const gzFile file = ::gzopen(name.c_str(), "wb");
  ::gzputs(file, kFile);
  ::gzclose(file);
  EXPECT_EQ(PciIds::load({name}).vendor(0x144d), "Samsung Electronics Co Ltd");
  const std::string broken = directory.write("broken.gz", "\x1f\x8b\x08 and nothing that can be unpacked");
  EXPECT_TRUE(PciIds::load({broken}).empty());
}

}  // namespace
}  // namespace strait::host
