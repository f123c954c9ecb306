#include "cli/run.h"

#include <algorithm>
#include <csignal>

#include "base/held_signals.h"
#include "base/log.h"
#include "binding/host.h"
#include "cli/managed_devices.h"
#include "cli/run_options.h"
#include "host/cpus.h"
#include "vmm/host_resources.h"
#include "vmm/run.h"

namespace strait {
namespace {

/// `strait test` gives back what the command in the guest said, and success is 0; a guest that ended without a word is a failure.
int test_exit_code(const Outcome& outcome) {
  if (outcome.code == exit_code::kVerdict) return 0;
  if (outcome.code != exit_code::kGuestOff) return outcome.code;
  log::error("the guest ended without a verdict: {}; see its console output", outcome.reason);
  return exit_code::kFailed;
}

/// The run with the functions that are managed: taken before, given back afterwards, with signals held until the guest has its say and again
/// when it is gone.
Outcome run_managed(RunOptions options, const host::HostCpus& cpus) {
  ::signal(SIGPIPE, SIG_IGN);  // whoever reads what is said may be gone
  const HeldSignals held;
  ManagedDevices managed(options.devices, binding::this_host(), [&held] { return held.next(); });
  if (const int signal = managed.interrupted_by()) return ended_by(signal);
  Outcome outcome = run_guest(options, cpus);
  const bool well = outcome.code == exit_code::kGuestOff || outcome.code == exit_code::kVerdict;
  if (!managed.give_back() && well) {
    outcome = {.code = exit_code::kFailed, .reason = "not everything that the guest had was given back"};
  }
  return outcome;
}

Outcome run(const RunOptions& options) {
  if (options.verbose) log::set_level(log::Level::kDebug);
  const host::HostCpus cpus = host::HostCpus::real();
  check_host_resources(options, cpus);
  const bool managed = std::ranges::any_of(options.devices, &DeviceSpec::managed);
  const Outcome outcome = managed ? run_managed(options, cpus) : run_guest(options, cpus);
  // How a guest ended is news only where it was not the guest's or the user's own doing; a crash was reported when it happened.
  const bool news = outcome.code == exit_code::kTimeout || outcome.code == exit_code::kGuestPanic || outcome.code == exit_code::kDeviceLost;
  log::write(news ? log::Level::kError : log::Level::kInfo, outcome.reason);
  return outcome;
}

}  // namespace

int run_run(Words words) { return run(parse_run(words)).code; }

int run_test(Words words) { return test_exit_code(run(parse_test(words))); }

}  // namespace strait
