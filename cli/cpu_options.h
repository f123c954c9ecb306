#pragma once

#include <cstdint>
#include <string>

#include "base/topology.h"

namespace strait {

/// The value of --cpus: "4", or "8,sockets=2,cores=2,threads=2", where of what is not said threads are 1, sockets 1, and cores as many as
/// it takes. Throws UsageError. Pure.
Topology parse_cpus(const std::string& text);

/// The value of --rt: a priority of SCHED_FIFO, 1 to 99. Throws UsageError. Pure.
int parse_priority(const std::string& text);

}  // namespace strait
