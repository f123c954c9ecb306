#include "cli/managed_devices.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "binding/bind.h"
#include "binding/vf_pool.h"

namespace strait {
namespace {

/// Addresses first and in their order, numbered VFs, then those that take what is left.
std::vector<DeviceSpec*> in_order(std::span<DeviceSpec> devices) {
  std::vector<DeviceSpec*> managed;
  for (DeviceSpec& device : devices) {
    if (device.managed) managed.push_back(&device);
  }
  const auto rank = [](const DeviceSpec* device) { return !device->vf ? 0 : device->vf->index ? 1 : 2; };
  std::ranges::stable_sort(managed, [&](const DeviceSpec* a, const DeviceSpec* b) {
    return rank(a) != rank(b) ? rank(a) < rank(b) : !a->vf && a->bdf < b->bdf;
  });
  return managed;
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
  for (DeviceSpec* device : in_order(devices)) {
    take(*device, devices, host);
    interrupted_by_ = signal();
    if (interrupted_by_ != 0) return;
  }
}

void ManagedDevices::take(DeviceSpec& device, std::span<const DeviceSpec> all, const binding::Host& host) {
  leases_.push_back(device.vf ? binding::take_vf(device.vf->pf, device.vf->index, device.vf_settings, functions_of(all), host)
                              : binding::take_function(device.bdf, device.vf_settings, host));
  const auto others = functions_of(all);
  if (device.vf && std::ranges::find(others, leases_.back().function()) != others.end()) {
    throw UsageError(fmt::format("--device {} is {}, which is given, too", device.name(), leases_.back().function().to_string()),
                     "name each device once");
  }
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
