#include "cli/devices.h"

#include <optional>
#include <set>
#include <string>

#include <fmt/format.h>

#include "base/error.h"
#include "binding/usage.h"
#include "cli/devices_json.h"
#include "cli/devices_text.h"
#include "cli/parse.h"
#include "cli/print.h"
#include "cli/screen.h"
#include "host/addresses.h"

namespace strait {
namespace po = boost::program_options;
namespace {

void add_usage(host::FunctionFacts& facts, const binding::Usage& usage) {
  using State = binding::Usage::State;
  facts.in_use = usage.state == State::kUnknown ? std::nullopt : std::optional(usage.state == State::kUsed);
  if (usage.state != State::kUsed) return;
  const std::string brief = "in use by " + usage.user;
  facts.blockers.push_back({.kind = host::Blocker::Kind::kInUse,
                            .message = fmt::format("{} is {}", facts.bdf.to_string(), brief),
                            .brief = brief,
                            .remedy = "end that one first, or choose another function",
                            .bind = {}});
}

}  // namespace

DevicesRequest DevicesRequest::parse(Words words) {
  po::options_description options;
  options.add_options()("address", po::value<std::vector<std::string>>())("all", "")("json", "");
  po::positional_options_description positional;
  positional.add("address", -1);
  const po::variables_map values = parse_words(words, options, positional);
  DevicesRequest request;
  if (values.contains("address")) request.addresses = values["address"].as<std::vector<std::string>>();
  request.all = values.contains("all");
  request.json = values.contains("json");
  return request;
}

std::vector<host::Bdf> DevicesRequest::functions(const std::filesystem::path& sysfs) const {
  std::set<host::Bdf> functions;
  for (const std::string& address : addresses) {
    // PciFunction throws where there is none.
    for (const host::Bdf& bdf : host::resolve(address, sysfs)) functions.insert(host::PciFunction(bdf, sysfs).bdf());
  }
  if (addresses.empty()) {
    for (const host::Bdf& bdf : host::all_functions(sysfs)) {
      if (all || !host::is_bridge(bdf, sysfs)) functions.insert(bdf);
    }
  }
  return {functions.begin(), functions.end()};
}

void add_users(host::Inventory& inventory, const host::OpenDevices& open, const binding::Host& host) {
  for (host::FunctionFacts& facts : inventory.functions) {
    try {
      add_usage(facts, binding::usage_of(facts.bdf, open, host));
    } catch (const Error&) {
      // It has gone since it was found.
    }
  }
}

int run_devices(Words words) {
  const DevicesRequest request = DevicesRequest::parse(words);
  host::Inventory inventory = host::take_inventory(request.functions());
  add_users(inventory, host::OpenDevices(), binding::this_host());
  const std::string text = request.json ? devices_json(inventory) : devices_text(inventory, Screen::of_standard_output());
  print(text);
  return 0;
}

std::string devices_help() {
  return "strait devices [ADDRESS...] [OPTION...]\n"
         "\n"
         "Lists the PCI functions of this host, or those at ADDRESS, by IOMMU group: what\n"
         "they are, their drivers and network interfaces, physical and virtual functions,\n"
         "interrupts, resets, and whether they can be assigned; if not, why, and what to\n"
         "do. It changes nothing. Root sees more of interrupts, and who has what.\n"
         "\n"
         "  --all    bridges, too\n"
         "  --json   one JSON object instead of text\n"
         "\n"
         "ADDRESS: 0000:01:10.0, 01:10.0, eth0, a path in /sys, pci_0000_01_10_0,\n"
         "env:VARIABLE with a list of addresses, or group:N.\n";
}

}  // namespace strait
