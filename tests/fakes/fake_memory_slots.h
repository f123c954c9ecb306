#pragma once

#include <map>

#include "base/error.h"
#include "base/units.h"
#include "devices/memory_slots.h"
#include "tests/fakes/journal.h"

namespace strait::test {

/// Memory slots that only remember, and refuse what KVM refuses: parts of pages, overlaps, and what no processor can address.
class FakeMemorySlots : public MemorySlots {
 public:
  explicit FakeMemorySlots(Journal& journal) : journal_(journal) {}

  Slot add(Gpa start, std::span<std::uint8_t> host, bool read_only = false) override {
    const Range<Gpa> range{start, host.size()};
    const auto address = reinterpret_cast<std::uint64_t>(host.data());
    if (!is_aligned(start.value | host.size() | address, kPageSize) || host.empty()) throw Error("not whole pages");
    if (start.value >= kEnd || host.size() > kEnd - start.value) throw Error("there is no such address");
    for (const auto& [slot, other] : placed) {
      if (other.range.overlaps(range)) throw Error("that overlaps another slot");
    }
    Slot slot = 0;
    while (placed.contains(slot)) ++slot;
    placed[slot] = {range, host.data(), read_only};
    journal_.add("slot + {:#x}/{:#x}", start.value, host.size());
    return slot;
  }
  void remove(Slot slot) override {
    journal_.add("slot - {:#x}", placed.at(slot).range.start.value);
    placed.erase(slot);
  }

  /// Where guest-physical addresses end.
  static constexpr std::uint64_t kEnd = std::uint64_t{1} << 46;

  struct Placed {
    Range<Gpa> range;
    std::uint8_t* host = nullptr;
    bool read_only = false;
  };
  std::map<Slot, Placed> placed;

 private:
  Journal& journal_;
};

}  // namespace strait::test
