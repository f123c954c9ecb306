#include "cli/managed_devices.h"

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "binding/bind.h"
#include "binding/lock.h"
#include "binding/vf_pool.h"

namespace strait {
namespace {

/// A device that is to be taken, and the function that it is to be; none where any VF will do.
struct Wanted {
  DeviceSpec* device = nullptr;
  std::optional<host::Bdf> function;
};

/// In the order of their addresses, so that no two runs wait for each other; then those that take what is left.
std::vector<Wanted> in_order(std::span<DeviceSpec> devices, const binding::Host& host) {
  std::vector<Wanted> wanted;
  std::map<host::Bdf, const DeviceSpec*> seen;
  for (DeviceSpec& device : devices) {
    std::optional<host::Bdf> function;
    if (!device.vf) function = device.bdf;
    if (device.vf && device.vf->index) function = binding::vf_of(device.vf->pf, *device.vf->index, host);
    if (function && !seen.emplace(*function, &device).second) {
      const DeviceSpec& named = device.vf ? device : *seen.at(*function);
      throw UsageError(fmt::format("--device {} is {}, which is given, too", named.name(), function->to_string()), "name each device once");
    }
    if (device.managed) wanted.push_back({&device, function});
  }
  std::ranges::stable_sort(wanted, [](const Wanted& a, const Wanted& b) {
    return a.function && (!b.function || *a.function < *b.function);
  });
  return wanted;
}

/// The functions that other devices of the run name or have taken.
std::vector<host::Bdf> functions_of(std::span<const DeviceSpec> devices) {
  std::vector<host::Bdf> functions;
  for (const DeviceSpec& device : devices) {
    if (!device.vf) functions.push_back(device.bdf);
  }
  return functions;
}

}  // namespace

ManagedDevices::ManagedDevices(std::span<DeviceSpec> devices, const binding::Host& host, const std::function<int()>& signal) {
  // What runs that were killed left, of other functions as well.
  binding::release_stale(host, [](const std::string& line) { log::warning("{}", line); });
  try {
    for (const Wanted& wanted : in_order(devices, host)) {
      take(*wanted.device, devices, host);
      interrupted_by_ = signal();
      if (interrupted_by_ != 0) return;
    }
  } catch (const binding::Interrupted&) {
    interrupted_by_ = signal();
  }
}

void ManagedDevices::take(DeviceSpec& device, std::span<const DeviceSpec> all, const binding::Host& host) {
  leases_.push_back(device.vf ? binding::take_vf(device.vf->pf, device.vf->index, device.vf_settings, functions_of(all), host)
                              : binding::take_function(device.bdf, device.vf_settings, host));
  device.bdf = leases_.back().function();
  if (device.vf) log::info("{} is {}", device.name(), device.bdf.to_string());
  device.vf.reset();
}

bool ManagedDevices::give_back() {
  bool all = true;
  for (; !leases_.empty(); leases_.pop_back()) {
    const std::string name = leases_.back().function().to_string();
    try {
      leases_.back().release();
    } catch (const std::exception& error) {
      log::error("giving back {}: {}", name, error.what());
      all = false;
    }
  }
  return all;
}

}  // namespace strait
