#include "vfio/bar_layout.h"

#include <gtest/gtest.h>

#include "base/units.h"
#include "tests/unit/vfio/areas.h"

namespace strait::vfio {
namespace {

struct Case {
  const char* name;
  std::uint64_t size;
  Areas mappable, structures, direct, trapped;
};

/// Without it, the test's name would be the bytes of the case.
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class BarLayoutCases : public testing::TestWithParam<Case> {};

TEST_P(BarLayoutCases, PagesAreDirectUnlessSomethingSpeaksAgainstIt) {
  const Case& c = GetParam();
  const BarLayout layout = lay_out_bar(c.size, c.mappable, c.structures);
  EXPECT_EQ(layout.direct, c.direct);
  EXPECT_EQ(layout.trapped, c.trapped);
}

const Case kCases[] = {
    {"AWholeBar", 0x4000, {area(0, 0x4000)}, {}, {area(0, 0x4000)}, {}},
    {"NothingMappable", 0x4000, {}, {}, {}, {area(0, 0x4000)}},
    {"TableInTheFirstPage", 0x4000, {area(0, 0x4000)}, {area(0, 0x100)}, {area(0x1000, 0x3000)}, {area(0, 0x1000)}},
    {"TableInTheMiddle",
     0x4000,
     {area(0, 0x4000)},
     {area(0x1200, 0x80)},
     {area(0, 0x1000), area(0x2000, 0x2000)},
     {area(0x1000, 0x1000)}},
    {"TableAcrossTwoPages",
     0x4000,
     {area(0, 0x4000)},
     {area(0x1f00, 0x200)},
     {area(0, 0x1000), area(0x3000, 0x1000)},
     {area(0x1000, 0x2000)}},
    {"TableAndPbaApart",
     0x4000,
     {area(0, 0x4000)},
     {area(0, 0x30), area(0x2000, 8)},
     {area(0x1000, 0x1000), area(0x3000, 0x1000)},
     {area(0, 0x1000), area(0x2000, 0x1000)}},
    {"TableAndPbaInOnePage",
     0x4000,
     {area(0, 0x4000)},
     {area(0x3000, 0x30), area(0x3800, 8)},
     {area(0, 0x3000)},
     {area(0x3000, 0x1000)}},
    {"TableIsAllThereIs", 0x1000, {area(0, 0x1000)}, {area(0, 0x1000)}, {}, {area(0, 0x1000)}},
    {"TheKernelMapsAroundTheTable",
     0x4000,
     {area(0, 0x1000), area(0x2000, 0x2000)},
     {area(0x1000, 0x100)},
     {area(0, 0x1000), area(0x2000, 0x2000)},
     {area(0x1000, 0x1000)}},
    {"AreasThatTouchAreOne", 0x4000, {area(0, 0x1000), area(0x1000, 0x1000)}, {}, {area(0, 0x2000)}, {area(0x2000, 0x2000)}},
    {"AreasThatOverlapAreOne",
     0x4000,
     {area(0x2000, 0x2000), area(0x1000, 0x2000)},
     {},
     {area(0x1000, 0x3000)},
     {area(0, 0x1000)}},
    {"PartsOfPagesAreTrapped",
     0x4000,
     {area(0x800, 0x2000)},
     {},
     {area(0x1000, 0x1000)},
     {area(0, 0x1000), area(0x2000, 0x2000)}},
    {"AnAreaPastTheEndIsCut", 0x2000, {area(0x1000, 0x10000)}, {}, {area(0x1000, 0x1000)}, {area(0, 0x1000)}},
    {"AnAreaBeyondTheEndIsNone", 0x2000, {area(0x2000, 0x1000)}, {}, {}, {area(0, 0x2000)}},
    {"AnAreaThatWrapsIsCut", 0x2000, {area(0x1000, ~0ull)}, {}, {area(0x1000, 0x1000)}, {area(0, 0x1000)}},
    {"AnEmptyAreaIsNone", 0x2000, {area(0, 0)}, {}, {}, {area(0, 0x2000)}},
    {"ASubPageBarIsAPageOfItsOwn", 0x100, {area(0, 0x100)}, {}, {area(0, 0x1000)}, {}},
    {"ASubPageBarThatIsNotMappable", 0x100, {}, {}, {}, {area(0, 0x100)}},
    {"ASubPageBarMappableInPart", 0x100, {area(0, 0x80)}, {}, {}, {area(0, 0x100)}},
    {"ASubPageBarWithATable", 0x100, {area(0, 0x100)}, {area(0x80, 0x10)}, {}, {area(0, 0x100)}},
    {"AStructurePastTheEndIsCut", 0x2000, {area(0, 0x2000)}, {area(0x1ff0, 0x100)}, {area(0, 0x1000)}, {area(0x1000, 0x1000)}},
};

INSTANTIATE_TEST_SUITE_P(BarLayout, BarLayoutCases, testing::ValuesIn(kCases), [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace strait::vfio
