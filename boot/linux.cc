#include "boot/linux.h"

#include <asm/bootparam.h>

#include <algorithm>
#include <cstddef>

#include <fmt/format.h>

#include "base/error.h"
#include "base/little_endian.h"
#include "base/units.h"

namespace strait::boot {
namespace {

static_assert(sizeof(boot_params) == kPageSize);
static_assert(offsetof(boot_params, acpi_rsdp_addr) == 0x70);
static_assert(offsetof(boot_params, e820_entries) == 0x1e8);
static_assert(offsetof(boot_params, hdr) == 0x1f1);
static_assert(offsetof(boot_params, e820_table) == 0x2d0);
static_assert(sizeof(boot_e820_entry) == 20);

/// boot.rst, type_of_loader: undefined boot loader. Zero would make the kernel ignore the initrd.
constexpr std::uint8_t kUndefinedLoader = 0xff;
/// SETUP_RNG_SEED, which headers older than Linux 6.0 lack.
constexpr std::uint32_t kSetupRngSeed = 9;

}  // namespace

std::vector<std::uint8_t> zero_page(const ZeroPageInput& input) {
  if (input.e820.size() > E820_MAX_ENTRIES_ZEROPAGE) {
    throw Error(fmt::format("the guest's memory map has {} entries, the kernel takes {}", input.e820.size(),
                            E820_MAX_ENTRIES_ZEROPAGE));
  }
  boot_params page{};
  const auto header_room = std::span(reinterpret_cast<std::uint8_t*>(&page), sizeof page).subspan(offsetof(boot_params, hdr));
  std::ranges::copy(input.setup_header, header_room.begin());

  setup_header& header = page.hdr;
  header.type_of_loader = kUndefinedLoader;
  header.ext_loader_type = 0;
  header.ext_loader_ver = 0;
  header.loadflags &= static_cast<std::uint8_t>(~(CAN_USE_HEAP | KEEP_SEGMENTS));
  header.code32_start = static_cast<std::uint32_t>(input.code.value);
  header.cmd_line_ptr = static_cast<std::uint32_t>(input.command_line.value);
  header.ramdisk_image = static_cast<std::uint32_t>(input.initrd.size > 0 ? input.initrd.start.value : 0);
  header.ramdisk_size = static_cast<std::uint32_t>(input.initrd.size);
  header.setup_data = input.setup_data.value;

  page.acpi_rsdp_addr = input.rsdp.value;
  page.e820_entries = static_cast<std::uint8_t>(input.e820.size());
  for (std::size_t i = 0; i < input.e820.size(); ++i) {
    const E820Entry& entry = input.e820[i];
    page.e820_table[i] = {entry.range.start.value, entry.range.size, static_cast<std::uint32_t>(entry.type)};
  }

  std::vector<std::uint8_t> bytes(sizeof page);
  store(std::span(bytes), 0, page);
  return bytes;
}

std::vector<std::uint8_t> rng_seed_data(std::span<const std::uint8_t> seed) {
  std::vector<std::uint8_t> bytes(sizeof(setup_data) + seed.size());
  store(std::span(bytes), offsetof(setup_data, type), kSetupRngSeed);
  store(std::span(bytes), offsetof(setup_data, len), static_cast<std::uint32_t>(seed.size()));
  std::ranges::copy(seed, bytes.begin() + sizeof(setup_data));
  return bytes;
}

}  // namespace strait::boot
