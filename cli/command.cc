#include "cli/command.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "cli/bind.h"
#include "cli/ctl.h"
#include "cli/devices.h"
#include "cli/doctor.h"
#include "cli/explain.h"
#include "cli/from_libvirt.h"
#include "cli/print.h"
#include "cli/run.h"
#include "cli/run_options.h"
#include "cli/suggestion.h"
#include "cli/vf.h"

namespace strait {
namespace {

constexpr Command kCommands[] = {
    {"run", "boot a guest on this terminal", run_help, run_run},
    {"test", "boot the test guest, return a command's verdict", test_help, run_test},
    {"devices", "what can be assigned, and why the rest cannot", devices_help, run_devices},
    {"doctor", "what keeps this host from it, and what to do", doctor_help, run_doctor},
    {"vf", "make, list, set and remove virtual functions (SR-IOV)", vf_help, run_vf},
    {"bind", "give PCI functions to vfio-pci", bind_help, run_bind},
    {"release", "give them back to their host drivers", release_help, run_release},
    {"explain", "follow what a guest does with an assigned device", explain_help, run_explain},
    {"ctl", "talk to a running strait: devices, power button", ctl_help, run_ctl},
    {"from-libvirt", "make a file of options out of a libvirt domain", from_libvirt_help, run_from_libvirt},
};

constexpr std::string_view kEpilogue =
    "Exit codes: 0 guest off, 1 could not start, 2 usage, 3 guest crashed, 4 timeout,\n"
    "5 guest panic, 6 device lost, 64+v verdict v written to the exit port (strait\n"
    "test: 0 for verdict 0), 128+n signal n.\n";

/// Whether help is asked for. What is behind `--` is somebody else's.
bool asks_for_help(Words words) {
  const Words ours(words.begin(), std::ranges::find(words, std::string_view("--")));
  return std::ranges::any_of(ours, [](std::string_view word) { return word == "--help" || word == "-h"; });
}

int show(std::string_view text) {
  print(text);
  return 0;
}

UsageError no_command(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Command& one : kCommands) names.push_back(one.name);
  if (name.empty()) return UsageError("no command", fmt::format("strait --help tells about them: {}", fmt::join(names, ", ")));
  return UsageError(fmt::format("'{}' is no command", name), suggestion(name, names));
}

}  // namespace

std::span<const Command> commands() { return kCommands; }

std::string overview() {
  std::string text = "strait " STRAIT_VERSION ", a virtual machine monitor for PCI passthrough\n\n";
  for (const Command& command : kCommands) text += fmt::format("  strait {:<13} {}\n", command.name, command.summary);
  return text + "  strait COMMAND --help | --help | --version\n\n" + std::string(kEpilogue);
}

int run_command_line(Words words) {
  const std::string_view name = words.empty() ? std::string_view() : words.front();
  if (name == "--version") return show("strait " STRAIT_VERSION "\n");
  if (name == "help" || name == "--help" || name == "-h") return show(overview());
  const auto command = std::ranges::find(kCommands, name, &Command::name);
  if (command == std::end(kCommands)) throw no_command(name);
  const Words arguments = words.subspan(1);
  return asks_for_help(arguments) ? show(command->help()) : command->run(arguments);
}

}  // namespace strait
