#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "vfio/function_facts.h"

namespace strait {

/// What a running strait tells of one assigned function (vm.explain), for a client to make sense of.
struct DeviceFacts {
  std::string id;     ///< the host's address
  std::string guest;  ///< the guest's
  bool leaving = false;  ///< the guest was asked to let go of it
  bool wanted = false;   ///< by the host, which waits for it
  bool plugged = false;  ///< it came after the guest's start
  std::chrono::milliseconds on_bus{};  ///< for how long the guest has been running with it
  /// Nothing while the guest is in the middle of an access to its configuration space.
  std::optional<vfio::FunctionFacts> function;

  friend bool operator==(const DeviceFacts&, const DeviceFacts&) = default;
};

nlohmann::json to_json(const DeviceFacts& facts);
/// The other direction. Throws Error where that is not what to_json() makes.
DeviceFacts device_facts(const nlohmann::json& json);

}  // namespace strait
