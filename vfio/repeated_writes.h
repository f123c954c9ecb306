#pragma once

#include <cstdint>
#include <vector>

#include "vfio/assigned_device.h"

namespace strait::vfio {

/// Tells which trapped registers the guest writes again and again with a value that stays the same: acknowledges and interrupt masks. A
/// driver may have a few such values for one register, a bit for each queue; a register with more than those is a doorbell, a data port or
/// the like, whose value varies. Pure; not thread-safe.
class RepeatedWrites {
 public:
  static constexpr unsigned kHits = 10;
  /// A register that was seen with more values than these varies, and is never reported again.
  static constexpr std::size_t kValues = 8;
  /// So many registers are remembered, those written last.
  static constexpr std::size_t kRegisters = 64;

  /// Counts a write; true at every kHits-th with the same place, width and value.
  bool add(const RegisterWrite& write);

 private:
  struct Value {
    std::uint64_t value;
    unsigned hits;
  };
  struct Register {
    unsigned region;
    std::uint64_t offset;
    unsigned size;
    bool varies;
    std::vector<Value> values;
  };
  Register& find(const RegisterWrite& write);

  std::vector<Register> registers_;  ///< the one written last comes first
};

}  // namespace strait::vfio
