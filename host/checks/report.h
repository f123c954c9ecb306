#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "host/bdf.h"
#include "host/checks/check.h"
#include "host/checks/host_view.h"

namespace strait::host {

/// All checks of the host for a guest of `memory` bytes, and of the function `bdf` if there is one, in the order of CheckKind. Throws Error
/// where there is no such function.
std::vector<Check> check_all(const HostView& host, std::uint64_t memory, const std::optional<Bdf>& bdf);

}  // namespace strait::host
