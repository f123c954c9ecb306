#include "host/interrupt_counts.h"

#include <gtest/gtest.h>

#include "tests/fakes/temporary_directory.h"

namespace strait::host {
namespace {

constexpr const char* kInterrupts =
    "            CPU0       CPU1\n"
    "   1:          0         12  IO-APIC   1-edge      i8042\n"
    "  16:          3          4  IO-APIC  16-fasteoi   vfio-intx(0000:00:03.0)\n"
    "  17:        500        600  IO-APIC  17-fasteoi   ehci_hcd:usb1, vfio-intx(0000:00:04.0)\n"
    "  45:        100         20  IR-PCI-MSIX-0000:01:10.0    0-edge      vfio-msix[0](0000:01:10.0)\n"
    "  46:          1          0  IR-PCI-MSIX-0000:01:10.0    1-edge      vfio-msix[1](0000:01:10.0)\n"
    "  47:          7          0  IR-PCI-MSI-0000:02:00.0    0-edge      vfio-msi[0](0000:02:00.0)\n"
    "  48:      99999          0  IR-PCI-MSIX-0000:01:00.0    0-edge      eth0\n"
    " NMI:          0          0  Non-maskable interrupts\n";

std::optional<std::uint64_t> count(const char* bdf) { return count_vfio_interrupts(kInterrupts, Bdf::parse(bdf)); }

TEST(InterruptCounts, AreTheSumOfVectorsAndProcessors) {
  EXPECT_EQ(count("0000:01:10.0"), 121u);
  EXPECT_EQ(count("0000:02:00.0"), 7u);
  EXPECT_EQ(count("0000:00:03.0"), 7u);
}

TEST(InterruptCounts, OfAFunctionWithoutInterruptsAreNone) {
  EXPECT_EQ(count("0000:01:00.0"), 0u) << "a host driver's are not vfio's";
  EXPECT_EQ(count("0000:05:00.0"), 0u);
}

TEST(InterruptCounts, OnALineSharedWithAnotherDriverCannotBeTold) { EXPECT_EQ(count("0000:00:04.0"), std::nullopt); }

/// Container engines mount /dev/null over it.
TEST(InterruptCounts, CannotBeToldWhereTheFileIsMasked) {
  const test::TemporaryDirectory proc;
  proc.write("interrupts", "");
  EXPECT_EQ(read_interrupts(proc.path()), std::nullopt);
  EXPECT_EQ(vfio_interrupts(Bdf::parse("0000:01:10.0"), proc.path()), std::nullopt);
}

TEST(InterruptCounts, CannotBeToldWithoutTheFile) {
  const test::TemporaryDirectory empty;
  EXPECT_EQ(vfio_interrupts(Bdf::parse("0000:01:10.0"), empty.path()), std::nullopt);
  empty.write("interrupts", kInterrupts);
  EXPECT_EQ(vfio_interrupts(Bdf::parse("0000:01:10.0"), empty.path()), 121u);
  EXPECT_EQ(vfio_interrupts(Bdf::parse("0000:05:00.0"), empty.path()), 0u);
}

}  // namespace
}  // namespace strait::host
