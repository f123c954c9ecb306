#include "vfio/peer_slots.h"

#include <gtest/gtest.h>

#include "base/log.h"
#include "base/mapped_region.h"
#include "base/units.h"
#include "tests/fakes/fake_memory_slots.h"

namespace strait::vfio {
namespace {

using test::FakeMemorySlots;
using test::Journal;
using test::Lines;

class NotingDmaSpace : public DmaSpace {
 public:
  explicit NotingDmaSpace(Journal& journal) : journal_(journal) {}
  std::vector<Range<Iova>> usable_ranges() const override { return {}; }
  void map(Iova start, std::span<std::uint8_t> memory) override {
    if (refuses) throw Error("the IOMMU does not like it");
    journal_.add("dma + {:#x}/{:#x}", start.value, memory.size());
  }
  void unmap(const Range<Iova>& range) override { journal_.add("dma - {:#x}/{:#x}", range.start.value, range.size); }
  Statistics statistics() const override { return {}; }

  bool refuses = false;

 private:
  Journal& journal_;
};

class PeerSlotsTest : public testing::Test {
 protected:
  Journal journal_;
  FakeMemorySlots slots_{journal_};
  NotingDmaSpace space_{journal_};
  PeerSlots peers_{slots_, space_};
  MappedRegion bar_ = MappedRegion::anonymous(kPageSize, kPageSize, 0);
};

TEST_F(PeerSlotsTest, WhatTheGuestReachesDevicesReachUntilItGoes) {
  const auto slot = peers_.add(Gpa(0xc0000000), bar_.bytes());
  EXPECT_EQ(journal_.take(), (Lines{"slot + 0xc0000000/0x1000", "dma + 0xc0000000/0x1000"}));
  peers_.remove(slot);
  EXPECT_EQ(journal_.take(), (Lines{"dma - 0xc0000000/0x1000", "slot - 0xc0000000"}));
}

TEST_F(PeerSlotsTest, ARefusalLeavesTheGuestItsBar) {
  log::set_level(log::Level::kOff);
  space_.refuses = true;
  const auto slot = peers_.add(Gpa(0xc0000000), bar_.bytes());
  EXPECT_EQ(slots_.placed.size(), 1u);
  journal_.take();
  peers_.remove(slot);
  EXPECT_EQ(journal_.take(), (Lines{"slot - 0xc0000000"})) << "what was not mapped is not unmapped";
  log::set_level(log::Level::kWarning);
}

TEST_F(PeerSlotsTest, ASlotThatIsRefusedIsNotMappedEither) {
  peers_.add(Gpa(0xc0000000), bar_.bytes());
  journal_.take();
  EXPECT_THROW(peers_.add(Gpa(0xc0000000), bar_.bytes()), Error);
  EXPECT_EQ(journal_.take(), Lines{});
}

}  // namespace
}  // namespace strait::vfio
