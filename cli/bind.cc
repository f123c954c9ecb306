#include "cli/bind.h"

#include <cstdio>
#include <set>
#include <vector>

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include "base/error.h"
#include "base/held_signals.h"
#include "base/log.h"
#include "binding/bind.h"
#include "cli/parse.h"
#include "host/addresses.h"
#include "host/pci_function.h"

namespace strait {
namespace po = boost::program_options;
namespace {

/// The words of either command: switches, and addresses.
po::variables_map parse(Words words, const po::options_description& switches) {
  po::options_description all(switches);
  all.add_options()("address", po::value<std::vector<std::string>>());
  return parse_words(words, all, po::positional_options_description().add("address", -1));
}

/// The functions that the addresses stand for, each once, in the order of the words.
std::vector<host::Bdf> functions_in(const po::variables_map& values) {
  std::vector<host::Bdf> functions;
  std::set<host::Bdf> seen;
  if (!values.count("address")) return functions;
  for (const std::string& text : values["address"].as<std::vector<std::string>>()) {
    for (const host::Bdf& function : host::resolve(text)) {
      if (seen.insert(function).second) functions.push_back(function);
    }
  }
  return functions;
}

void tell(const host::Bdf& function) {
  try {
    const std::string driver = host::PciFunction(function).driver();
    fmt::print("{} {}\n", function.to_string(), driver.empty() ? "has no driver" : "is on " + driver);
  } catch (const Error&) {
    fmt::print("{} is gone\n", function.to_string());
  }
}

}  // namespace

int run_bind(Words words) {
  po::options_description switches;
  switches.add_options()("force", "");
  const auto values = parse(words, switches);
  const auto functions = functions_in(values);
  if (functions.empty()) throw UsageError("bind needs an address", "such as 0000:01:10.0 or eth0; strait devices lists them");
  const HeldSignals held;
  binding::bind(functions, values.count("force") != 0, binding::this_host());
  for (const host::Bdf& function : functions) tell(function);
  return 0;
}

int run_release(Words words) {
  po::options_description switches;
  switches.add_options()("stale", "")("all", "");
  const auto values = parse(words, switches);
  auto functions = functions_in(values);
  const bool stale = values.count("stale") != 0, all = values.count("all") != 0;
  if (stale + all + !functions.empty() != 1) {
    throw UsageError("release needs either addresses, or --stale, or --all", "strait release --help tells about them");
  }
  const binding::Host host = binding::this_host();
  const HeldSignals held;
  int code = 0;
  const auto complain = [&](const std::string& line) {
    log::error("{}", line);
    code = 1;
  };
  if (stale || all) {
    for (const host::Bdf& function : binding::release_stale(host, complain)) tell(function);
  }
  if (all) functions = binding::releasable(host);
  for (const host::Bdf& function : functions) {
    try {
      binding::release({function}, host);
      tell(function);
    } catch (const Error& error) {
      complain(error.what());
    }
  }
  return code;
}

std::string bind_help() {
  return "strait bind ADDRESS... [--force]\n"
         "\n"
         "Gives PCI functions to vfio-pci, until strait release gives them back: driver,\n"
         "name, addresses and routes of a network interface, all as it was.\n"
         "\n"
         "  ADDRESS   0000:01:10.0, 01:10.0, an interface like eth0, a path in /sys,\n"
         "            pci_0000_01_10_0, env:VARIABLE, or group:26\n"
         "  --force   although the host uses it: an interface with the default route,\n"
         "            an address, a bridge or VLANs; a disk that is mounted, swap or\n"
         "            open; a driver_override that somebody else has set\n"
         "\n"
         "Either all of them are bound or none. A guest takes them with run --device.\n";
}

std::string release_help() {
  return "strait release ADDRESS... | --stale | --all\n"
         "\n"
         "Gives PCI functions back to their host drivers, as they were before strait bind.\n"
         "\n"
         "  ADDRESS   as of strait bind\n"
         "  --stale   put right what strait processes left that were killed: run, bind\n"
         "            and release; what strait bind has bound stays\n"
         "  --all     that, and everything that strait bind has bound\n"
         "\n"
         "A function that a guest has is not touched.\n";
}

}  // namespace strait
