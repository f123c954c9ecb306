#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/types.h"
#include "base/units.h"

/// The guest-physical memory map, lowest address first. One place: the loader, ACPI, the buses and KVM's own pages agree
/// because they all read it here.
namespace strait::boot {

// Page 0 holds what a BIOS would leave there (interrupt vectors, BIOS data area): zeroes, which Linux takes for "no BIOS".
inline constexpr Gpa kGdt{0x1000};
/// One PML4, one PDPT and four page directories: the first 4 GiB, identity-mapped with 2 MiB pages.
inline constexpr Gpa kPageTables{0x2000};
inline constexpr std::uint64_t kPageTablesSize = 6 * kPageSize;
/// struct boot_params (Linux zero-page.rst).
inline constexpr Gpa kZeroPage{0x8000};
/// A struct setup_data chained from the zero page.
inline constexpr Gpa kSetupData{0x9000};
/// PVH: hvm_start_info, the module list and the memory map (Xen's public/arch-x86/hvm/start_info.h).
inline constexpr Gpa kPvhStartInfo{0xa000};
inline constexpr Gpa kPvhModules{0xa100};
inline constexpr Gpa kPvhMemoryMap{0xb000};
inline constexpr std::uint64_t kPvhMemoryMapSize = 4 * kPageSize;
/// Grows down; neither entry protocol asks for a stack, but a debugging stub in a kernel may.
inline constexpr Gpa kBootStackTop{0x10000};
inline constexpr Gpa kCommandLine{0x20000};
/// Bytes with the terminating NUL.
inline constexpr std::uint64_t kCommandLineSize = 64 * kKiB;
/// From here a BIOS keeps its extended data area.
inline constexpr Gpa kLowMemoryEnd{0x9fc00};

// 0xa0000 to 0xdffff is where a VGA and option ROMs would be: in no e820 entry.

/// ACPI: the RSDP first, where a kernel that is not told its address looks for it, then all tables.
inline constexpr Range<Gpa> kAcpiTables{Gpa{0xe0000}, 0x20000};

/// Kernels and their initrds live from here to the end of low RAM.
inline constexpr Gpa kKernelArea{0x100000};

/// RAM below 4 GiB ends here at the latest. Whole pages of 1 GiB, as is where the rest begins: memory of such pages has no gap.
inline constexpr Gpa kLowRamEnd{3 * kGiB};

/// 32-bit BARs.
inline constexpr Range<Gpa> kMmio32{Gpa{0xc0000000}, 0x20000000};
/// I/O ports for BARs: clear of everything that a PC has at fixed ports.
inline constexpr Range<Gpa> kBarPorts{Gpa{0x1000}, 0xf000};
/// PCI Express configuration space of bus 0, the only bus.
inline constexpr Range<Gpa> kEcam{Gpa{0xe0000000}, kMiB};
inline constexpr Gpa kIoApic{0xfec00000};
/// Local APICs; also the MSI doorbell, so never an IOVA.
inline constexpr Gpa kLocalApic{0xfee00000};
/// KVM_SET_IDENTITY_MAP_ADDR (one page) and KVM_SET_TSS_ADDR (three pages): Intel without unrestricted guest needs them.
inline constexpr Gpa kKvmIdentityMap{0xfffbc000};
inline constexpr Gpa kKvmTss{0xfffbd000};

/// RAM beyond the low 3 GiB, then the window for 64-bit BARs.
inline constexpr Gpa kHighRamStart{4 * kGiB};

/// Where RAM of `memory_size` bytes, a multiple of `page_size` (at most 1 GiB), lies: up to 3 GiB from address 0, the rest from 4 GiB
/// around `reserved`, addresses that the host's IOMMU cannot map (any order; rounded outwards to 2 MiB, or pages that are larger). What is
/// reserved below 4 GiB is not avoided. Ascending, not overlapping, in whole pages. Pure.
std::vector<Range<Gpa>> ram_ranges(std::uint64_t memory_size, std::span<const Range<Gpa>> reserved, std::uint64_t page_size = kPageSize);

enum class E820Type : std::uint32_t { kRam = 1, kReserved = 2, kAcpi = 3, kNvs = 4, kUnusable = 5 };

struct E820Entry {
  Range<Gpa> range;
  E820Type type = E820Type::kRam;

  friend bool operator==(const E820Entry&, const E820Entry&) = default;
};

/// The memory map that the guest is told: `ram` without the holes of the first MiB, then what this layout reserves, by
/// address. Pure.
std::vector<E820Entry> e820_map(std::span<const Range<Gpa>> ram);

/// The window for 64-bit BARs: above `ram_end` and 4 GiB, below 2^`physical_bits` (32 to 52; what the guest's CPUID says, or
/// what nested paging can map where that is less), inside one of `allowed` (the IOVA ranges of the host's IOMMU; empty means all)
/// and clear of `reserved`. Aligned to 1 GiB, at most half the address space; the lowest place that has that much, otherwise
/// the largest there is. Empty where not even 1 GiB fits. Pure.
Range<Gpa> choose_mmio64(Gpa ram_end, unsigned physical_bits, std::span<const Range<Gpa>> allowed,
                         std::span<const Range<Gpa>> reserved);

}  // namespace strait::boot
