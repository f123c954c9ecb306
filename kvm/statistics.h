#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace strait::kvm {

/// The counters that KVM keeps of a vCPU or VM (KVM_GET_STATS_FD), by KVM's names ("exits", "halt_exits", ...); histograms are
/// left out. Empty where `fd` is none or the kernel's answer makes no sense.
std::map<std::string, std::uint64_t> read_statistics(int fd);

}  // namespace strait::kvm
