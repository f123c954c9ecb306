// Capability lists as broken hardware might have them. The input is a list of patches to an empty configuration space, so that a
// small input reaches all of it.

#include <algorithm>
#include <array>
#include <bitset>
#include <string>
#include <vector>

#include "base/little_endian.h"
#include "devices/pci/capabilities.h"
#include "tests/fuzz/devices/input.h"

namespace {

using namespace strait;
using fuzz::Input;
using fuzz::require;
using pci::Capability;

using Config = std::array<std::uint8_t, 4096>;

void check_list(const std::vector<Capability>& list, std::size_t start, std::size_t end, std::size_t smallest) {
  std::bitset<4096> taken;
  for (const Capability& capability : list) {
    require(capability.offset >= start && capability.offset % 4 == 0, "capabilities lie past the header, on dwords");
    require(capability.size >= smallest, "a capability has its header");
    require(std::size_t{capability.offset} + capability.size <= end, "capabilities end within the space");
    for (std::size_t byte = capability.offset; byte < std::size_t{capability.offset} + capability.size; ++byte) {
      require(!taken[byte], "capabilities do not overlap");
      taken.set(byte);
    }
  }
}

/// Follows the extended list as a guest would that trusts it, for more steps than there are places.
std::vector<std::uint16_t> guest_view(const Config& config) {
  std::vector<std::uint16_t> ids;
  std::size_t offset = 0x100;
  for (int steps = 0; offset != 0; ++steps) {
    require(steps < 1024, "the guest's list ends");
    const auto header = load<std::uint32_t>(config, offset);
    if (header == 0) break;
    ids.push_back(static_cast<std::uint16_t>(header));
    offset = header >> 20 & 0xffc;
    require(offset == 0 || offset >= 0x100, "the guest's list stays in extended space");
  }
  return ids;
}

void check_hiding(Config config, std::uint8_t selector) {
  const auto hidden = [selector](std::uint16_t id) { return id != 0 && (id % 8 == selector % 8 || id == selector); };
  std::vector<std::uint16_t> expected;
  for (const Capability& capability : pci::walk_extended_capabilities(config)) {
    if (!hidden(capability.id) && capability.id != 0) expected.push_back(capability.id);
  }
  const bool nothing_there = pci::walk_extended_capabilities(config).empty();
  pci::hide_extended_capabilities(config, hidden);
  if (nothing_there) return;
  auto seen = guest_view(config);
  require(std::ranges::none_of(seen, hidden), "nothing hidden is reachable");
  std::erase(seen, 0);
  require(seen == expected, "everything else still is, in the same order");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const auto selector = input.next<std::uint8_t>();
  Config config{};
  config.fill(input.next<std::uint8_t>() == 0xff ? 0xff : 0x00);
  while (!input.empty()) {
    const std::size_t offset = input.next<std::uint16_t>() % 1024 * 4u;
    store(std::span<std::uint8_t>(config), offset, input.next<std::uint32_t>());
  }

  std::string problem;
  const auto standard = pci::walk_capabilities(config, &problem);
  check_list(standard, 0x40, 0x100, 2);
  require(pci::walk_capabilities(std::span(config).first(256)) == standard, "256 bytes are enough for the standard list");
  check_list(pci::walk_extended_capabilities(config, &problem), 0x100, 0x1000, 4);
  check_hiding(config, selector);
  return 0;
}
