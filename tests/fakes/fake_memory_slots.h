#pragma once

#include <map>

#include "base/error.h"
#include "base/units.h"
#include "devices/memory_slots.h"
#include "tests/fakes/journal.h"

namespace strait::test {

/// Memory slots that only remember, and refuse what KVM refuses: parts of pages, and overlaps.
class FakeMemorySlots : public MemorySlots {
 public:
  explicit FakeMemorySlots(Journal& journal) : journal_(journal) {}

  Slot add(Gpa start, std::span<std::uint8_t> host, bool) override {
    const Range<Gpa> range{start, host.size()};
    const auto address = reinterpret_cast<std::uint64_t>(host.data());
    if (!is_aligned(start.value | host.size() | address, kPageSize) || host.empty()) throw Error("not whole pages");
    for (const auto& [slot, other] : placed) {
      if (other.range.overlaps(range)) throw Error("that overlaps another slot");
    }
    Slot slot = 0;
    while (placed.contains(slot)) ++slot;
    placed[slot] = {range, host.data()};
    journal_.add("slot + {:#x}/{:#x}", start.value, host.size());
    return slot;
  }
  void remove(Slot slot) override {
    journal_.add("slot - {:#x}", placed.at(slot).range.start.value);
    placed.erase(slot);
  }

  struct Placed {
    Range<Gpa> range;
    std::uint8_t* host = nullptr;
  };
  std::map<Slot, Placed> placed;

 private:
  Journal& journal_;
};

}  // namespace strait::test
