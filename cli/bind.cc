#include "cli/bind.h"

#include <exception>
#include <set>
#include <vector>

#include <boost/program_options.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/held_signals.h"
#include "base/log.h"
#include "binding/bind.h"
#include "binding/lock.h"
#include "cli/parse.h"
#include "cli/print.h"
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

/// The functions that the addresses stand for, as `resolve` says, each once, in the order of the words.
template <typename Resolve>
std::vector<host::Bdf> functions_in(const po::variables_map& values, Resolve&& resolve) {
  std::vector<host::Bdf> functions;
  std::set<host::Bdf> seen;
  if (!values.count("address")) return functions;
  for (const std::string& text : values["address"].as<std::vector<std::string>>()) {
    for (const host::Bdf& function : resolve(text)) {
      if (seen.insert(function).second) functions.push_back(function);
    }
  }
  return functions;
}

/// An interface went when its function was bound, but its name is still the one that people know the function by.
std::vector<host::Bdf> resolve_taken(const std::string& text, const binding::Host& host) {
  auto functions = binding::taken_with_interface(text, host);
  if (functions.empty()) return host::resolve(text, host.sysfs);
  if (functions.size() == 1) return functions;
  throw Error(fmt::format("{} was the interface of {}, one after the other", text, fmt::join(host::names_of(functions), ", ")),
              "name one of them");
}

/// What has become of the function, as a line.
std::string state_of(const host::Bdf& function) {
  try {
    const std::string driver = host::PciFunction(function).driver();
    return fmt::format("{} {}\n", function.to_string(), driver.empty() ? "has no driver" : "is on " + driver);
  } catch (const Error&) {
    return fmt::format("{} is gone\n", function.to_string());
  }
}

/// Gives functions back one after the other. What goes wrong with one, or with telling of it, is told, and keeps none of the others from
/// being given back.
class Releases {
 public:
  explicit Releases(const binding::Host& host) : host_(host) {}

  void stale() {
    for (const host::Bdf& function : binding::release_stale(host_, [this](const std::string& line) { complain(line); })) tell(function);
  }
  void all() {
    for (const host::Bdf& function : binding::taken(host_)) {
      if (const auto holder = binding::lock_holder(function, host_.run); holder.somebody()) {
        complain(fmt::format("{} is in use by {}: not released; end that one first", function.to_string(), holder.name()));
      } else {
        one(function);
      }
    }
  }
  void one(const host::Bdf& function) {
    try {
      binding::release({function}, host_);
      tell(function);
    } catch (const std::exception& error) {
      complain(error.what());
    }
  }
  int exit_code() const { return exit_code_; }

 private:
  void complain(const std::string& line) {
    log::error("{}", line);
    exit_code_ = 1;
  }
  void tell(const host::Bdf& function) {
    if (mute_) return;
    try {
      print(state_of(function));
    } catch (const Error& error) {
      complain(error.what());
      mute_ = true;
    }
  }

  const binding::Host& host_;
  int exit_code_ = 0;
  bool mute_ = false;  ///< standard output takes nothing
};

}  // namespace

int run_bind(Words words) {
  po::options_description switches;
  switches.add_options()("force", "");
  const auto values = parse(words, switches);
  const auto functions = functions_in(values, [](const std::string& text) { return host::resolve(text); });
  if (functions.empty()) throw UsageError("bind needs an address", "such as 0000:01:10.0 or eth0; strait devices lists them");
  const HeldSignals held;
  binding::bind(functions, values.count("force") != 0, binding::this_host());
  std::string states;
  for (const host::Bdf& function : functions) states += state_of(function);
  print(states);
  return 0;
}

int run_release(Words words) {
  po::options_description switches;
  switches.add_options()("stale", "")("all", "");
  const auto values = parse(words, switches);
  const binding::Host host = binding::this_host();
  const auto functions = functions_in(values, [&host](const std::string& text) { return resolve_taken(text, host); });
  const bool stale = values.count("stale") != 0, all = values.count("all") != 0;
  if (stale + all + !functions.empty() != 1) {
    throw UsageError("release needs either addresses, or --stale, or --all", "strait release --help tells about them");
  }
  const HeldSignals held;
  Releases releases(host);
  if (stale || all) releases.stale();
  if (all) releases.all();
  for (const host::Bdf& function : functions) releases.one(function);
  return releases.exit_code();
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
         "  ADDRESS   as of strait bind; an interface by the name that it had then\n"
         "  --stale   put right what strait processes left that were killed: run, bind\n"
         "            and release; what strait bind has bound stays\n"
         "  --all     that, and everything that strait bind has bound\n"
         "\n"
         "A function that a guest has is not touched, and --all fails where there is one.\n";
}

}  // namespace strait
