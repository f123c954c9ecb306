#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace strait {

/// One request to the running strait that listens at the Unix socket `socket`, and the body of its answer; empty where there is none. `body`
/// goes with it unless it is null. Throws Error with what strait said, or where nobody listens.
std::string ask(const std::string& socket, const std::string& method, const std::string& target, const nlohmann::json& body);

}  // namespace strait
