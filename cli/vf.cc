#include "cli/vf.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/held_signals.h"
#include "binding/sriov.h"
#include "binding/vf_pool.h"
#include "cli/print.h"
#include "cli/vf_list.h"
#include "host/addresses.h"
#include "host/pci_function.h"

namespace strait {
namespace {

using Arguments = std::vector<std::string>;
constexpr const char* kUsage = "strait vf create PF N, list [PF], set PF VF KEY=VALUE..., or remove PF; strait vf --help tells more";

unsigned parse_number(const std::string& text, const char* what) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) throw UsageError(fmt::format("vf: '{}' is no {}", text, what), kUsage);
  return number;
}

/// Takes `option` out of the arguments; whether it was there.
bool take_option(Arguments& arguments, std::string_view option) { return std::erase(arguments, option) != 0; }

void check_count(const Arguments& arguments, std::size_t least, std::size_t most, const char* command) {
  for (const std::string& word : arguments) {
    if (word.starts_with("-")) throw UsageError(fmt::format("vf {}: '{}' is no option of it", command, word), kUsage);
  }
  if (arguments.size() < least || arguments.size() > most)
    throw UsageError(fmt::format("vf {}: wrong number of arguments", command), kUsage);
}

/// Says so where the number was right already: whoever asks may expect new ones.
void set_count(const host::Bdf& pf, unsigned count, bool probe) {
  const HeldSignals held;
  if (binding::set_vf_count(pf, count, probe, binding::this_host())) return;
  const std::string number = count == 0 ? "no VFs" : count == 1 ? "1 VF already" : fmt::format("{} VFs already", count);
  print(fmt::format("{} has {}\n", pf.to_string(), number));
}

void create(Arguments arguments) {
  const bool probe = take_option(arguments, "--probe");
  check_count(arguments, 2, 2, "create");
  const unsigned count = parse_number(arguments[1], "number of VFs");
  set_count(host::resolve_one(arguments[0]), count, probe);
}

void remove(Arguments arguments) {
  check_count(arguments, 1, 1, "remove");
  set_count(host::resolve_one(arguments[0]), 0, false);
}

void list(Arguments arguments) {
  const bool as_json = take_option(arguments, "--json");
  check_count(arguments, 0, 1, "list");
  const binding::Host host = binding::this_host();
  const host::OpenDevices open;
  const auto pfs = arguments.empty() ? look_at_all_vfs(open, host) : std::vector{look_at_vfs(host::resolve_one(arguments[0]), open, host)};
  if (as_json) {
    nlohmann::json all = nlohmann::json::array();
    for (const ListedPf& pf : pfs) all.push_back(vf_json(pf));
    return print(nlohmann::json{{"physical_functions", all}}.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  }
  std::string text;
  for (const ListedPf& pf : pfs) text += vf_table(pf);
  print(text.empty() ? "no function of this host has SR-IOV\n" : text);
}

void set(Arguments arguments) {
  check_count(arguments, 3, arguments.size(), "set");
  const unsigned index = parse_number(arguments[1], "number of a VF");
  host::VfSettings settings;
  for (auto word = arguments.begin() + 2; word != arguments.end(); ++word) {
    const auto equals = word->find('=');
    if (equals == std::string::npos) {
      throw UsageError(fmt::format("vf set: '{}' is not KEY=VALUE", *word), fmt::format("there are {}", host::kVfSettingKeys));
    }
    host::set_vf_setting(settings, std::string_view(*word).substr(0, equals), std::string_view(*word).substr(equals + 1), "vf set ");
  }
  host::check_vf_settings(settings, "vf set ");
  const HeldSignals held;
  binding::set_vf(host::resolve_one(arguments[0]), index, settings, binding::this_host());
}

struct VfCommand {
  std::string_view name;
  void (*run)(Arguments);
};
constexpr VfCommand kTable[] = {{"create", create}, {"list", list}, {"set", set}, {"remove", remove}};

}  // namespace

int run_vf(Words words) {
  const auto command = words.empty() ? std::end(kTable) : std::ranges::find(kTable, std::string_view(words.front()), &VfCommand::name);
  if (command == std::end(kTable)) {
    throw UsageError(words.empty() ? "vf needs a command" : fmt::format("vf {}: unknown command", words.front()), kUsage);
  }
  command->run(Arguments(words.begin() + 1, words.end()));
  return 0;
}

std::string vf_help() {
  return "strait vf create PF N [--probe]\n"
         "strait vf list [PF] [--json]\n"
         "strait vf set PF VF KEY=VALUE...\n"
         "strait vf remove PF\n"
         "\n"
         "Virtual functions (VFs) of a card with SR-IOV. PF is the physical function, in\n"
         "any form of address (eth0, 0000:01:00.0, ...); VF is a number, from 0 on.\n"
         "\n"
         "create gives it N VFs in place of those it has; if it has N, they stay. No host\n"
         "driver is bound to new ones, unless with --probe, which binds those that stay,\n"
         "too. create and remove change nothing while one is used.\n"
         "\n"
         "set has the PF's driver enforce, until it is set otherwise:\n"
         "  mac=ADDRESS                        the VF's; 00:00:00:00:00:00 for its choice\n"
         "  vlan=N vlanQoS=N vlanProto=P       0 to 4094 (0: none), 0 to 7, 802.1q|802.1ad\n"
         "  spoofchk=on|off trust=on|off       another's address; promiscuous, own MAC\n"
         "  link_state=auto|enable|disable     what the VF sees of the link\n"
         "  min_tx_rate=N max_tx_rate=N        Mbit/s, 0 for none\n"
         "A run does it for its own time: strait run --device vf=PF:any,mac=...,vlan=...\n";
}

}  // namespace strait
