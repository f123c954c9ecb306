#include "vmm/placement.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/log.h"
#include "host/pci_function.h"

namespace strait {
namespace {

/// The node that all of them are on.
std::optional<unsigned> common_node(std::span<const std::optional<unsigned>> nodes) {
  const bool one = !nodes.empty() && std::ranges::all_of(nodes, [&](const auto& node) { return node == nodes.front(); });
  return one ? nodes.front() : std::nullopt;
}

}  // namespace

Placement place_guest(const RunOptions& options, std::span<const std::optional<unsigned>> device_nodes, const host::HostCpus& cpus) {
  Placement placement;
  placement.vcpus = options.pinning;
  placement.vcpus.resize(options.topology.cpus());
  placement.strict = options.numa.node.has_value();
  placement.node = placement.strict ? options.numa.node : options.numa.by_devices ? common_node(device_nodes) : std::nullopt;
  if (!placement.node) return placement;
  const auto node = cpus.nodes.find(*placement.node);
  if (node == cpus.nodes.end() && placement.strict) {
    std::vector<unsigned> known;
    for (const auto& [number, unused] : cpus.nodes) known.push_back(number);
    throw Error(fmt::format("--numa {}: this host has no such NUMA node", *placement.node),
                known.empty() ? "leave it out" : fmt::format("there are {}", fmt::join(known, ", ")));
  }
  // On a host with one there is nothing to choose.
  if (node == cpus.nodes.end() || cpus.nodes.size() < 2) {
    placement.node.reset();
    return placement;
  }
  // Whoever keeps strait to some processors has others for something else.
  CpuSet near;
  std::ranges::set_intersection(node->second, cpus.inherited, std::inserter(near, near.end()));
  for (CpuSet& vcpu : placement.vcpus) {
    if (vcpu.empty()) vcpu = near;
  }
  return placement;
}

Placement place_guest(const RunOptions& options, const host::HostCpus& cpus) {
  std::vector<std::optional<unsigned>> nodes;
  for (const DeviceSpec& device : options.devices) nodes.push_back(host::PciFunction(device.bdf).numa_node());
  return place_guest(options, nodes, cpus);
}

void bind(const GuestMemory& memory, Placement& placement) {
  if (!placement.node) return;
  try {
    memory.bind(*placement.node, placement.strict);
  } catch (const Error& error) {
    if (placement.strict) throw;
    log::warning("{}; the guest's memory comes from any node", error.what());
    placement.node.reset();
  }
}

}  // namespace strait
