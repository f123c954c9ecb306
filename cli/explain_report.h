#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "cli/explain_steps.h"

namespace strait {

/// The explanation for people: a line for each step, then what failed first, why, and what to do. At most 80 columns wide.
std::string report_text(const DeviceFacts& device, const HostFacts& host, const Explanation& explanation, bool colour);

/// The explanation for programs, with the facts that it comes from.
nlohmann::json report_json(const DeviceFacts& device, const HostFacts& host, const Explanation& explanation);

}  // namespace strait
