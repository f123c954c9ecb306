#include "vmm/run.h"

#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/held_signals.h"
#include "base/log.h"
#include "vmm/control_api.h"
#include "vmm/control_server.h"
#include "vmm/event_loop.h"
#include "vmm/host_resources.h"
#include "vmm/machine.h"
#include "vmm/metrics.h"
#include "vmm/terminal.h"
#include "vmm/timer.h"

namespace strait {
namespace {

/// SIGTERM and its kind as events: the first presses the guest's power button, the second ends the run. While this lives no thread
/// started after it is interrupted by them.
class Signals {
 public:
  Signals() : fd_(::signalfd(-1, &held_.set(), SFD_CLOEXEC | SFD_NONBLOCK)) {
    if (!fd_) throw Error::from_errno(errno, "creating a signalfd");
  }

  int fd() const { return fd_.get(); }
  /// The next signal's number, 0 for none.
  int next() const { return held_.next(); }

 private:
  HeldSignals held_;
  UniqueFd fd_;
};

/// Each MSI-X vector in use takes a descriptor; the usual soft limit of 1024 is for programs that use select().
void raise_descriptor_limit() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

/// A vCPU that has its processor for itself never gives it up, and one with real-time priority not while it is busy: no thread of ours may be
/// there but its own.
void stay_off(const CpuSet& dedicated, const host::HostCpus& cpus) {
  const CpuSet rest = beside(dedicated, cpus);
  if (const int result = set_thread_affinity(rest); result < 0) {
    throw Error::from_errno(-result, fmt::format("moving strait's own threads to CPU {}", to_string(rest)));
  }
}

}  // namespace

Outcome run_guest(const RunOptions& options, const host::HostCpus& cpus) {
  PhaseClock clock;
  raise_descriptor_limit();
  if (options.keeps_processors()) stay_off(all_of(options.pinning), cpus);
  ::signal(SIGPIPE, SIG_IGN);
  MetricsFile metrics_file(options.metrics_file);
  EndOfRun end;
  StandardOutput output(end);
  EventLoop loop;
  std::unique_ptr<ConsoleInput> input;
  Machine machine(options, place_guest(options, cpus), output, [&input] { input->resume(); }, end, loop, clock);

  // Until here a signal simply ends the process, which leaves nothing behind, or whoever has something to give back holds it; from here on
  // the guest has a say.
  const Signals signals;
  if (const int signal = signals.next()) return ended_by(signal);
  bool button_pressed = false;
  loop.add(signals.fd(), [&] {
    const int signal = signals.next();
    if (signal == 0) return;
    if (button_pressed) {
      end.end(ended_by(signal));
      return;
    }
    button_pressed = true;
    log::info("pressing the guest's power button; a second signal ends it at once");
    machine.board().press_power_button();
  });
  Timer timeout(loop, [&] {
    const double seconds = std::chrono::duration<double>(options.timeout).count();
    end.end({.code = exit_code::kTimeout, .reason = fmt::format("the guest did not end within {} s", seconds)});
  });
  if (options.timeout.count() > 0) timeout.set(options.timeout);
  loop.add(end.eventfd(), [] {});
  std::optional<ControlServer> control;
  if (!options.control_socket.empty()) {
    control.emplace(options.control_socket, loop, [&machine](const ControlServer::Request& request) { return answer(machine, request); });
  }
  const RawTerminal terminal;
  input = std::make_unique<ConsoleInput>(
      loop, [&machine](std::span<const std::uint8_t> typed) { return machine.board().serial().receive(typed); },
      [&end] { end.end({.reason = "left with Ctrl-A x"}); });

  for (;;) {
    machine.start();
    loop.run([&end] { return end.ended(); });
    machine.stop();
    // Whoever pressed the button wants an end, whatever the guest makes of it.
    if (options.on_reboot == OnReboot::kExit || button_pressed) break;
    machine.require_devices();
    if (!end.next_boot()) break;
    log::info("{}: it boots again", end.outcome().reason);
    check_processors(options, host::HostCpus::real());
    machine.reboot();
    input->resume();
  }
  clock.mark(PhaseClock::kEnd);

  const Outcome outcome = end.outcome();
  if (metrics_file) {
    nlohmann::json metrics;
    metrics["exit_code"] = outcome.code;
    metrics["reason"] = outcome.reason;
    clock.add_to(metrics);
    machine.add_to(metrics);
    metrics_file.write(metrics);
  }
  return outcome;
}

}  // namespace strait
