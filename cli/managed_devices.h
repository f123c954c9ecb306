#pragma once

#include <functional>
#include <span>
#include <vector>

#include "binding/host.h"
#include "binding/lease.h"
#include "vmm/device_spec.h"

namespace strait {

/// The functions that a run takes for itself (managed=on, vf=) and gives back: a lease for each. Main thread, with signals held.
class ManagedDevices {
 public:
  /// Puts right what killed runs left, then takes each of `devices` that is managed, and tells it its address: those with one first, so
  /// that `any` leaves them alone. Between two of them, and where host.interrupted() ends a wait, `signal` is asked for the number of a
  /// signal that came, 0 for none; one ends the taking. Throws Error; nothing stays taken then.
  ManagedDevices(std::span<DeviceSpec> devices, const binding::Host& host, const std::function<int()>& signal);
  ~ManagedDevices() { give_back(); }
  ManagedDevices(const ManagedDevices&) = delete;
  ManagedDevices& operator=(const ManagedDevices&) = delete;

  /// The signal that ended the taking, 0 for none.
  int interrupted_by() const { return interrupted_by_; }
  /// Gives all of them back, the last first. What fails is logged, and its record stays for strait release --stale; false then.
  bool give_back();

 private:
  void take(DeviceSpec& device, std::span<const DeviceSpec> all, const binding::Host& host);

  std::vector<binding::Lease> leases_;
  int interrupted_by_ = 0;
};

}  // namespace strait
