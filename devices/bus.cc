#include "devices/bus.h"

#include <iterator>
#include <limits>

#include "base/little_endian.h"

namespace strait {

bool Bus::insert(std::uint64_t start, std::uint64_t size, BusDevice& device, std::string name) {
  if (size == 0 || size - 1 > std::numeric_limits<std::uint64_t>::max() - start) return false;
  const std::uint64_t last = start + (size - 1);

  const auto lock = lock_to_change();
  const auto next = entries_.lower_bound(start);
  if (next != entries_.end() && next->first <= last) return false;
  if (next != entries_.begin()) {
    const auto& [previous_start, previous] = *std::prev(next);
    if (start - previous_start < previous.size) return false;
  }
  Counter& count = counts_.try_emplace(std::move(name)).first->second;
  entries_.emplace_hint(next, start, Entry{.size = size, .device = &device, .count = &count});
  return true;
}

void Bus::remove(std::uint64_t start) {
  const auto lock = lock_to_change();
  entries_.erase(start);
}

std::unique_lock<std::shared_mutex> Bus::lock_to_change() {
  const std::lock_guard turn(turnstile_);
  change_waiting_ = true;
  std::unique_lock lock(mutex_);
  change_waiting_ = false;
  return lock;
}

Bus::Hit Bus::find(std::uint64_t address, std::uint64_t length) {
  if (change_waiting_.load(std::memory_order_relaxed)) {
    const std::lock_guard let_it_pass(turnstile_);
  }
  const std::shared_lock lock(mutex_);
  const auto after = entries_.upper_bound(address);
  if (after != entries_.begin()) {
    const auto& [start, entry] = *std::prev(after);
    const std::uint64_t offset = address - start;
    if (offset < entry.size && length <= entry.size - offset) {
      entry.count->add();
      return {.device = entry.device, .offset = offset};
    }
  }
  misses_.add();
  return {};
}

void Bus::read(std::uint64_t address, std::span<std::uint8_t> data) {
  const Hit hit = find(address, data.size());
  if (hit.device == nullptr) {
    fill_ones(data);
    return;
  }
  hit.device->read(hit.offset, data);
}

void Bus::write(std::uint64_t address, std::span<const std::uint8_t> data) {
  const Hit hit = find(address, data.size());
  if (hit.device != nullptr) hit.device->write(hit.offset, data);
}

std::vector<std::pair<std::string, std::uint64_t>> Bus::counts() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::pair<std::string, std::uint64_t>> result;
  result.reserve(counts_.size() + 1);
  for (const auto& [name, count] : counts_) result.emplace_back(name, count.value());
  result.emplace_back("none", misses_.value());
  return result;
}

}  // namespace strait
