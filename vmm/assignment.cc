#include "vmm/assignment.h"

#include <linux/pci_regs.h>

#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/log.h"

namespace strait {

Assignment::Assignment(const DeviceSpec& spec, vfio::KernelDevice device, const vfio::FunctionHost& host, vfio::FunctionOptions options,
                       const CpuSet& cpus, EventLoop& loop, DeviceWatch::Handlers handlers)
    : spec_(spec), device_(std::move(device)), watch_(device_, loop, std::move(handlers)) {
  if (!cpus.empty()) pinned_.emplace(device_, spec.bdf, cpus);
  function_.emplace(pinned_ ? static_cast<vfio::AssignedDevice&>(*pinned_) : device_, host, std::move(options));
}

Assignment::~Assignment() {
  withdraw();
  if (!answers()) log::warning("{} does not answer any more; giving it back may take the host's kernel a minute", device_.name());
}

void Assignment::attach(pci::RootBus& bus) {
  bus.attach(spec_.address.slot, spec_.address.function, *function_);
  bus_ = &bus;
  attached_ = std::chrono::steady_clock::now();
}

void Assignment::withdraw() {
  if (bus_ != nullptr) bus_->detach(spec_.address.slot, spec_.address.function);
  bus_ = nullptr;
  function_.reset();
}

/// Status has bits that are always 0 (PCI 3.0 6.2.3), and VFIO reads it from the device. Parts of Command and a virtual function's
/// identifiers are VFIO's own, and are there when the device is not.
bool Assignment::answers() {
  std::array<std::uint8_t, 2> status{};
  device_.read(vfio::kConfigRegion, PCI_STATUS, status);
  return status != std::array<std::uint8_t, 2>{0xff, 0xff};
}

nlohmann::json Assignment::metrics() const {
  const auto counts = function_->statistics();
  return {{"name", function_->name()},
          {"config_accesses", counts.config_accesses},
          {"bar_traps", counts.bar_traps},
          {"msix_table_traps", counts.msix_table_traps},
          {"route_updates", counts.route_updates},
          {"mapping_updates", counts.mapping_updates},
          {"ioeventfds", counts.ioeventfds},
          {"ioeventfds_refused", counts.ioeventfds_refused},
          {"host_vectors", counts.host_vectors},
          {"armed_vectors", counts.armed_vectors}};
}

}  // namespace strait
