#include "vfio/bus_reset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/vfio.h>

#include "base/little_endian.h"

namespace strait::vfio {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// The kernel's answer for two functions of a card, where it says `count`.
std::vector<std::uint8_t> answer(std::uint32_t count) {
  std::vector<std::uint8_t> bytes(sizeof(vfio_pci_hot_reset_info) + 2 * sizeof(vfio_pci_dependent_device));
  store(std::span(bytes), 0, vfio_pci_hot_reset_info{.argsz = 0, .flags = 0, .count = count});
  std::size_t at = sizeof(vfio_pci_hot_reset_info);
  for (const vfio_pci_dependent_device& function :
       {vfio_pci_dependent_device{.group_id = 7, .segment = 1, .bus = 0x81, .devfn = 0xf8}, {.group_id = 300, .segment = 0, .bus = 3, .devfn = 0x0b}}) {
    store(std::span(bytes), at, function);
    at += sizeof function;
  }
  return bytes;
}

TEST(BusReset, ReachedFunctionsAreRead) {
  const ReachedFunction first{"0001:81:1f.0", 7}, second{"0000:03:01.3", 300};
  EXPECT_THAT(read_reached_functions(answer(2)), ElementsAre(first, second));
  EXPECT_THAT(read_reached_functions(answer(1)), ElementsAre(first));
  EXPECT_THAT(read_reached_functions(answer(0)), IsEmpty());
}

TEST(BusReset, AnAnswerCutShortIsReadAsFarAsItGoes) {
  EXPECT_THAT(read_reached_functions(answer(~0u)), testing::SizeIs(2));
  const std::vector<std::uint8_t> whole = answer(2);
  EXPECT_THAT(read_reached_functions(std::span(whole).first(whole.size() - 1)), testing::SizeIs(1));
  EXPECT_THAT(read_reached_functions(std::span(whole).first(4)), IsEmpty());
  EXPECT_THAT(read_reached_functions({}), IsEmpty());
}

/// Why those functions may not be reset where groups below 10 are this guest's, and it uses 0000:03:00.1.
std::string obstacle(const std::vector<ReachedFunction>& reached) {
  return bus_reset_obstacle(reached, [](unsigned group) { return group < 10; }, {"0000:03:00.1"});
}

TEST(BusReset, OnlyWhatIsOursAndAtRestIsReset) {
  EXPECT_EQ(obstacle({{"0000:03:00.0", 7}}), "");
  EXPECT_EQ(obstacle({{"0000:03:00.0", 7}, {"0000:03:00.2", 9}}), "") << "nobody has the second function, and nobody else can";
  EXPECT_EQ(obstacle({}), "neither it nor its bus can be");
  EXPECT_EQ(obstacle({{"0000:03:00.0", 7}, {"0000:03:00.2", 10}}), "its bus has 0000:03:00.2, too, of IOMMU group 10, which is not this guest's");
  EXPECT_EQ(obstacle({{"0000:03:00.0", 7}, {"0000:03:00.1", 7}}), "its bus has 0000:03:00.1, too, which the guest uses");
}

}  // namespace
}  // namespace strait::vfio
