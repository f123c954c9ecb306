#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/counter.h"

namespace strait {

/// A device that answers trapped accesses. `offset` counts from the start of the range it was inserted with; `data` is 1 to
/// 8 bytes, any of those lengths (accesses that cross a page arrive in odd pieces), and never passes the range's end. Both
/// calls come from any vCPU thread, several at once: a device guards its own state. Neither throws.
class BusDevice {
 public:
  virtual ~BusDevice() = default;
  virtual void read(std::uint64_t offset, std::span<std::uint8_t> data) = 0;
  virtual void write(std::uint64_t offset, std::span<const std::uint8_t> data) = 0;
};

/// An address space of trapped accesses: guest-physical MMIO, or I/O ports. A lookup takes the read lock, copies what it
/// found, and drops the lock before it calls the device, so that a device may move ranges of the bus it is called from.
/// A removed device may therefore still be called by an access that was under way: its owner joins the vCPUs first, or keeps
/// it alive. Any thread.
class Bus {
 public:
  /// Attaches `device` to [start, start + size). Returns false, and changes nothing, where that overlaps another range.
  bool insert(std::uint64_t start, std::uint64_t size, BusDevice& device, std::string name);
  /// Detaches the range that starts at `start`; nothing happens where none does.
  void remove(std::uint64_t start);

  /// All ones where no range holds the whole access: what a real bus answers.
  void read(std::uint64_t address, std::span<std::uint8_t> data);
  /// Dropped where no range holds the whole access.
  void write(std::uint64_t address, std::span<const std::uint8_t> data);

  /// Accesses so far by the name of the range, and those that hit nothing as "none".
  std::vector<std::pair<std::string, std::uint64_t>> counts() const;

 private:
  struct Entry {
    std::uint64_t size = 0;
    BusDevice* device = nullptr;
    Counter* count = nullptr;
  };
  struct Hit {
    BusDevice* device = nullptr;
    std::uint64_t offset = 0;
  };
  Hit find(std::uint64_t address, std::uint64_t length);
  std::unique_lock<std::shared_mutex> lock_to_change();

  mutable std::shared_mutex mutex_;
  /// Lookups queue here while a change waits for `mutex_`, which would otherwise go to one lookup after the other for as long as
  /// vCPUs keep coming.
  std::mutex turnstile_;
  std::atomic<bool> change_waiting_ = false;
  std::map<std::uint64_t, Entry> entries_;
  std::map<std::string, Counter, std::less<>> counts_;
  Counter misses_;
};

}  // namespace strait
