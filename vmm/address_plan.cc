#include "vmm/address_plan.h"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "base/error.h"
#include "boot/layout.h"

namespace strait {
namespace {

/// What lies between the usable ranges, up to the top of `bits` address bits.
std::vector<Range<Gpa>> gaps(std::span<const Range<Iova>> usable, std::uint32_t bits) {
  std::vector<Range<Gpa>> result;
  std::uint64_t at = 0;
  const auto add_until = [&](std::uint64_t end) {
    if (end > at) result.push_back({Gpa(at), end - at});
  };
  for (const auto& range : usable) {
    add_until(range.start.value);
    at = range.end().value;
  }
  if (!usable.empty()) add_until(1ull << bits);
  return result;
}

}  // namespace

AddressPlan plan_addresses(std::uint64_t memory, std::uint32_t host_bits, std::span<const Range<Iova>> usable, std::uint64_t page_size) {
  AddressPlan plan;
  plan.physical_bits = host_bits;
  if (!usable.empty()) {
    const auto iommu_bits = static_cast<std::uint32_t>(std::bit_width(usable.back().end().value - 1));
    plan.physical_bits = std::min(host_bits, iommu_bits);
  }
  const std::vector<Range<Gpa>> reserved = gaps(usable, plan.physical_bits);
  plan.ram = boot::ram_ranges(memory, reserved, page_size);
  const Gpa ram_end = plan.ram.back().end();
  if (ram_end.value > 1ull << plan.physical_bits) {
    throw Error(fmt::format("{} MiB of memory do not fit into the {} address bits of this host's {}", memory / kMiB, plan.physical_bits,
                            usable.empty() ? "processor" : "processor and IOMMU"),
                "give a smaller --memory");
  }
  for (const auto& ram : plan.ram) {
    const auto holds = [&](const Range<Iova>& range) { return range.contains(Range<Iova>{Iova(ram.start.value), ram.size}); };
    if (!usable.empty() && std::none_of(usable.begin(), usable.end(), holds)) {
      throw Error(fmt::format("this host's IOMMU cannot map guest memory at {:#x} to {:#x}", ram.start.value, ram.end().value - 1),
                  "this host reserves addresses below 3 GiB (see /sys/kernel/iommu_groups/*/reserved_regions); try a smaller --memory");
    }
  }
  std::vector<Range<Gpa>> allowed;
  for (const auto& range : usable) allowed.push_back({Gpa(range.start.value), range.size});
  plan.mmio64 = boot::choose_mmio64(ram_end, plan.physical_bits, allowed, reserved);
  return plan;
}

bool ram_is_mappable(const AddressPlan& plan, std::span<const Range<Iova>> usable) {
  return usable.empty() || std::ranges::all_of(plan.ram, [usable](const Range<Gpa>& ram) {
           return std::ranges::any_of(usable, [&ram](const Range<Iova>& range) {
             return range.contains(Range<Iova>{Iova(ram.start.value), ram.size});
           });
         });
}

}  // namespace strait
