#include <string>

#include <nlohmann/json.hpp>

#include "kvm/statistics.h"
#include "vmm/board.h"

namespace strait {

nlohmann::json Board::metrics() const {
  nlohmann::json metrics;
  nlohmann::json& exits = metrics["userspace_exits"];
  std::uint64_t total = 0;
  for (const auto& thread : threads_) {
    for (std::size_t reason = 0; reason < thread->exits().size(); ++reason) {
      const std::uint64_t count = thread->exits()[reason].value();
      if (count == 0) continue;
      auto& entry = exits["by_reason"][exit_reason_name(reason)];
      entry = (entry.is_null() ? 0 : entry.get<std::uint64_t>()) + count;
      total += count;
    }
  }
  exits["total"] = total;
  for (const auto& thread : threads_) {
    nlohmann::json times = nlohmann::json::array();
    for (const Counter& bucket : thread->exit_times().buckets()) times.push_back(bucket.value());
    exits["by_time"].push_back(times);
  }
  for (const auto* bus : {&platform_->ports, &platform_->mmio}) {
    for (const auto& [name, count] : bus->counts()) {
      if (count != 0) exits["by_device"][name == "none" ? (bus == &platform_->ports ? "no port" : "no mmio") : name] = count;
    }
  }
  for (const auto& vcpu : vcpus_) {
    nlohmann::json statistics;
    const UniqueFd fd = vcpu->statistics();
    for (const auto& [name, value] : kvm::read_statistics(fd.get())) {
      if (name.find("exits") != std::string::npos || name == "irq_injections") statistics[name] = value;
    }
    metrics["kvm"].push_back(statistics);
  }
  metrics["irq_routing"] = {{"set_gsi_routing_calls", router_->routing_updates()},
                            {"irqfd_calls", router_->irqfd_calls()},
                            {"user_deliveries", user_router_ ? user_router_->deliveries() : 0}};
  metrics["memory_slot_updates"] = slots_->updates();
  metrics["devices"] = former_assignments_;
  for (const auto& assignment : assignments_) add_counts(metrics["devices"], nlohmann::json::array({assignment->metrics()}));
  return metrics;
}

}  // namespace strait
