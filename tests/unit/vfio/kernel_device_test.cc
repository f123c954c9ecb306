#include "vfio/kernel_device.h"

#include <gtest/gtest.h>
#include <linux/vfio.h>

#include <limits>

#include "base/little_endian.h"
#include "tests/unit/vfio/areas.h"

namespace strait::vfio {
namespace {

constexpr std::uint64_t kSize = 0x4000;
constexpr std::uint32_t kMsixMappable = VFIO_REGION_INFO_CAP_MSIX_MAPPABLE, kSparse = VFIO_REGION_INFO_CAP_SPARSE_MMAP;

/// A capability in the answer: a list of areas, or one without content. They lie one behind the other, in the table's order.
struct Capability {
  std::uint32_t id;
  Areas areas = {};
  std::uint32_t claimed = 0;  ///< areas it says it has beyond those
};

struct Case {
  const char* name;
  std::uint32_t flags;
  std::vector<Capability> capabilities;
  Areas expected;
  std::size_t cut = 0;   ///< bytes missing at the end
  bool looping = false;  ///< the last capability links to the first
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

std::vector<std::uint8_t> answer(const Case& c) {
  std::vector<std::uint8_t> bytes;
  const auto append = [&bytes](const auto& what) {
    bytes.resize(bytes.size() + sizeof what);
    store(std::span(bytes), bytes.size() - sizeof what, what);
  };
  vfio_region_info info = {};
  info.flags = c.flags;
  info.size = kSize;
  info.cap_offset = sizeof info;
  append(info);
  for (std::size_t i = 0; i < c.capabilities.size(); ++i) {
    const Capability& capability = c.capabilities[i];
    const bool list = capability.id == kSparse, last = i + 1 == c.capabilities.size();
    const std::size_t size = list ? sizeof(vfio_region_info_cap_sparse_mmap) + capability.areas.size() * sizeof(vfio_region_sparse_mmap_area)
                                  : sizeof(vfio_info_cap_header);
    const std::size_t next = last ? (c.looping ? sizeof info : 0) : bytes.size() + size;
    const vfio_info_cap_header header = {.id = static_cast<std::uint16_t>(capability.id), .version = 1, .next = static_cast<std::uint32_t>(next)};
    append(header);
    if (!list) continue;
    append(static_cast<std::uint32_t>(capability.areas.size()) + capability.claimed);
    append(std::uint32_t{0});
    for (const Area& area : capability.areas) append(vfio_region_sparse_mmap_area{.offset = area.start.value, .size = area.size});
  }
  bytes.resize(bytes.size() - c.cut);
  return bytes;
}

class MappableAreas : public testing::TestWithParam<Case> {};

TEST_P(MappableAreas, AreWhatTheKernelSays) { EXPECT_EQ(read_mappable_areas(answer(GetParam())), GetParam().expected); }

constexpr std::uint32_t kMmap = VFIO_REGION_INFO_FLAG_MMAP, kMmapAndCaps = kMmap | VFIO_REGION_INFO_FLAG_CAPS;
constexpr std::uint32_t kAbsurd = std::numeric_limits<std::uint32_t>::max() - 2;
const Areas kWhole = {area(0, kSize)}, kTwo = {area(0, 0x1000), area(0x3000, 0x1000)};

const Case kCases[] = {
    {"NoneWithoutTheFlag", VFIO_REGION_INFO_FLAG_CAPS, {{kSparse, kTwo}}, {}},
    {"AllWithoutCapabilities", kMmap, {}, kWhole},
    {"AllWhereTheListIsNotAnnounced", kMmap, {{kSparse, kTwo}}, kWhole},
    {"AllWithOtherCapabilities", kMmapAndCaps, {{kMsixMappable}}, kWhole},
    {"AllWithTheChainPastTheEnd", kMmapAndCaps, {}, kWhole},
    {"OneArea", kMmapAndCaps, {{kSparse, {area(0x1000, 0x2000)}}}, {area(0x1000, 0x2000)}},
    {"SeveralAreasBehindAnotherCapability", kMmapAndCaps, {{kMsixMappable}, {kSparse, kTwo}}, kTwo},
    {"NoArea", kMmapAndCaps, {{kSparse}}, {}},
    {"AnAreaCutShort", kMmapAndCaps, {{kSparse, kTwo}}, {kTwo[0]}, 1},
    {"AHeaderCutShort", kMmapAndCaps, {{kSparse}}, kWhole, 1},
    {"MoreAreasClaimedThanThereAre", kMmapAndCaps, {{kSparse, kTwo, kAbsurd}}, kTwo},
    {"ALoopOfOne", kMmapAndCaps, {{kSparse, kTwo}}, kTwo, 0, true},
    {"ALoopOfThree", kMmapAndCaps, {{kMsixMappable}, {kSparse, kTwo}, {kMsixMappable}}, kTwo, 0, true},
};

INSTANTIATE_TEST_SUITE_P(KernelDevice, MappableAreas, testing::ValuesIn(kCases), [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace strait::vfio
