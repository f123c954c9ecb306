#include "host/addresses.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "host/pci_function.h"

namespace strait::host {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kVariable = "env:", kGroup = "group:", kNode = "pci_";
constexpr const char* kForms =
    "write it as 0000:01:10.0, 01:10.0, pci_0000_01_10_0, a path in /sys, the name of a network interface, env:VARIABLE or group:N";

/// The address that `text` is as it stands.
std::optional<Bdf> plain(std::string_view text) {
  try {
    return Bdf::parse(text);
  } catch (const UsageError&) {
    return std::nullopt;
  }
}

std::vector<Bdf> of_variable(std::string_view text) {
  const std::string name(text.substr(kVariable.size()));
  if (name.ends_with("_INFO")) {
    throw UsageError(fmt::format("{}: variables of this kind hold a description, no addresses", text),
                     "name the one without _INFO, " + std::string(text.substr(0, text.size() - 5)));
  }
  const char* value = name.empty() ? nullptr : std::getenv(name.c_str());
  if (value == nullptr || *value == 0) {
    throw Error(fmt::format("{}: the environment variable is {}", text, value == nullptr ? "not set" : "empty"),
                "check that the container asks for this resource of the device plug-in");
  }
  std::vector<Bdf> all;
  std::string_view rest = value;
  for (;;) {
    const auto comma = std::min(rest.find(','), rest.size());
    const auto bdf = plain(rest.substr(0, comma));
    if (!bdf) {
      throw UsageError(fmt::format("{}: '{}' in its value '{}' is no PCI address", text, rest.substr(0, comma), value),
                       "it must hold addresses such as 0000:01:10.0, separated by commas");
    }
    all.push_back(*bdf);
    if (comma == rest.size()) return all;
    rest.remove_prefix(comma + 1);
  }
}

std::vector<Bdf> of_group(std::string_view text, const fs::path& sysfs) {
  const std::string_view digits = text.substr(kGroup.size());
  unsigned group = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), group);
  if (problem != std::errc() || end != digits.data() + digits.size()) {
    throw UsageError(fmt::format("{}: no number of an IOMMU group", text), "strait devices lists the groups");
  }
  const std::vector<Bdf> members = members_of_group(group, sysfs);
  if (members.empty()) throw Error(fmt::format("there is no IOMMU group {} on this host", group), "strait devices lists those there are");
  std::vector<Bdf> functions = members;
  std::erase_if(functions, [&](const Bdf& bdf) { return is_bridge(bdf, sysfs); });
  if (functions.empty()) {
    throw Error(fmt::format("IOMMU group {} has only bridges: {}", group, fmt::join(names_of(members), ", ")),
                "name a group with a device; strait devices lists them");
  }
  return functions;
}

/// pci_0000_01_10_0, which is an address but for its separators.
std::optional<Bdf> of_node(std::string_view text) {
  if (!text.starts_with(kNode) || std::ranges::count(text, '_') != 4) return std::nullopt;
  std::string address(text.substr(kNode.size()));
  std::ranges::replace(address, '_', ':');
  address[address.rfind(':')] = '.';
  return plain(address);
}

/// The innermost PCI function at or above `path`, once its links are followed.
Bdf of_path(std::string_view text, const fs::path& path) {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  if (error) throw Error(fmt::format("{}: {}", text, error.message()), kForms);
  for (fs::path at = real; at.has_relative_path(); at = at.parent_path()) {
    const std::string part = at.filename();
    if (const auto bdf = plain(part)) return *bdf;
    // A controller is not what was meant with something plugged into it, and takes all else on its bus along.
    if (part.starts_with("usb")) break;
  }
  throw Error(fmt::format("{} belongs to no PCI function: it is {}", text, real.string()), "strait devices lists those there are");
}

std::optional<Bdf> of_interface(std::string_view name, const fs::path& sysfs) {
  if (name.empty() || name.starts_with('.') || name.find('/') != std::string_view::npos) return std::nullopt;
  const fs::path interface = sysfs / "class/net" / name;
  std::error_code error;
  return fs::exists(interface, error) ? std::optional(of_path(name, interface)) : std::nullopt;
}

}  // namespace

std::vector<Bdf> resolve(std::string_view text, const fs::path& sysfs) {
  if (text.starts_with(kVariable)) return of_variable(text);
  if (text.starts_with(kGroup)) return of_group(text, sysfs);
  if (const auto bdf = plain(text)) return {*bdf};
  if (const auto bdf = of_interface(text, sysfs)) return {*bdf};
  if (const auto bdf = of_node(text)) return {*bdf};
  if (text.find('/') != std::string_view::npos) return {of_path(text, text)};
  throw UsageError(fmt::format("'{}' is no PCI address, and no network interface has that name", text), kForms);
}

Bdf resolve_one(std::string_view text, const fs::path& sysfs) {
  const std::vector<Bdf> all = resolve(text, sysfs);
  if (all.size() == 1) return all.front();
  throw Error(fmt::format("{} stands for {} functions: {}", text, all.size(), fmt::join(names_of(all), ", ")), "name one of them");
}

}  // namespace strait::host
