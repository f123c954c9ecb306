#include "vmm/assignment.h"

#include <utility>

#include <nlohmann/json.hpp>

namespace strait {

Assignment::Assignment(const DeviceSpec& spec, vfio::KernelDevice device, const vfio::FunctionHost& host, vfio::FunctionOptions options,
                       EventLoop& loop, DeviceWatch::Handlers handlers)
    : spec_(spec), device_(std::move(device)), watch_(device_, loop, std::move(handlers)) {
  function_.emplace(device_, host, std::move(options));
}

Assignment::~Assignment() { withdraw(); }

void Assignment::attach(pci::RootBus& bus) {
  bus.attach(spec_.address.slot, spec_.address.function, *function_);
  bus_ = &bus;
}

void Assignment::withdraw() {
  if (bus_ != nullptr) bus_->detach(spec_.address.slot, spec_.address.function);
  bus_ = nullptr;
  function_.reset();
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
