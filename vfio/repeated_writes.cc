#include "vfio/repeated_writes.h"

#include <algorithm>

namespace strait::vfio {

RepeatedWrites::Register& RepeatedWrites::find(const RegisterWrite& write) {
  auto found = std::ranges::find_if(registers_, [&write](const Register& entry) {
    return entry.region == write.region && entry.offset == write.offset && entry.size == write.size;
  });
  if (found == registers_.end()) {
    if (registers_.size() == kRegisters) registers_.pop_back();
    found = registers_.insert(registers_.end(), {write.region, write.offset, write.size, false, {}});
  }
  std::rotate(registers_.begin(), found, found + 1);
  return registers_.front();
}

bool RepeatedWrites::add(const RegisterWrite& write) {
  Register& entry = find(write);
  if (entry.varies) return false;
  const auto known = std::ranges::find(entry.values, write.value, &Value::value);
  if (known != entry.values.end()) return ++known->hits % kHits == 0;
  if (entry.values.size() < kValues) {
    entry.values.push_back({write.value, 1});
  } else {
    entry.varies = true;
    entry.values.clear();
  }
  return false;
}

}  // namespace strait::vfio
