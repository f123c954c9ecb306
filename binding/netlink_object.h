#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "host/netlink.h"

namespace strait::binding {

using Bytes = std::vector<std::uint8_t>;

std::string to_hex(std::span<const std::uint8_t> bytes);
/// Throws Error where the text is damaged.
Bytes from_hex(const std::string& text);

/// An object of rtnetlink as records have it: a message's fixed body and its attributes. Whatever this kernel tells of one, it takes to
/// make it again.
template <typename Body>
nlohmann::json describe(const host::NetlinkMessage& message) {
  return {{"body", to_hex({reinterpret_cast<const std::uint8_t*>(&message.body<Body>()), sizeof(Body)})},
          {"attributes", to_hex(message.attributes<Body>())}};
}

/// The parts of it. Throw Error where the record is damaged.
template <typename Body>
Body body_of(const nlohmann::json& object) {
  const Bytes bytes = from_hex(object.at("body"));
  if (bytes.size() != sizeof(Body)) throw Error("the record of an interface's configuration is damaged");
  Body body;
  std::memcpy(&body, bytes.data(), sizeof body);
  return body;
}
inline Bytes attributes_of(const nlohmann::json& object) { return from_hex(object.at("attributes")); }

/// Calls `visit(attribute)` for each of `attributes`, which it may change in place.
template <typename Visit>
void each_attribute(Bytes& attributes, Visit visit) {
  int rest = static_cast<int>(attributes.size());
  for (auto* one = reinterpret_cast<nlattr*>(attributes.data()); nla_ok(one, rest); one = nla_next(one, &rest)) visit(one);
}

}  // namespace strait::binding
