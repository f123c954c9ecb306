#include "boot/pvh.h"

#include <fmt/format.h>

#include "base/error.h"

namespace strait::boot {

static_assert(sizeof(HvmStartInfo) <= kPvhModules - kPvhStartInfo);
static_assert(sizeof(HvmModule) <= kPvhMemoryMap - kPvhModules);

void write_start_info(const GuestMemory& memory, Gpa command_line, const Range<Gpa>& initrd, Gpa rsdp,
                      std::span<const E820Entry> e820) {
  constexpr std::size_t kEntriesMax = kPvhMemoryMapSize / sizeof(HvmMemoryMapEntry);
  if (e820.size() > kEntriesMax) {
    throw Error(fmt::format("the guest's memory map has {} entries, there is room for {}", e820.size(), kEntriesMax));
  }
  HvmStartInfo info;
  info.command_line = command_line.value;
  info.rsdp = rsdp.value;
  info.memory_map = kPvhMemoryMap.value;
  info.memory_map_entries = static_cast<std::uint32_t>(e820.size());
  if (initrd.size > 0) {
    info.module_count = 1;
    info.modules = kPvhModules.value;
    memory.write_object(kPvhModules, HvmModule{initrd.start.value, initrd.size, 0, 0});
  }
  for (std::size_t i = 0; i < e820.size(); ++i) {
    const E820Entry& from = e820[i];
    const HvmMemoryMapEntry entry{from.range.start.value, from.range.size, static_cast<std::uint32_t>(from.type), 0};
    memory.write_object(kPvhMemoryMap + i * sizeof entry, entry);
  }
  memory.write_object(kPvhStartInfo, info);
}

}  // namespace strait::boot
